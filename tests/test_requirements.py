"""Every Python and platform must get one TensorFlow with the packages that fit it."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SYSTEMS = list(
    itertools.product(("3.11", "3.12", "3.13"), ("linux", "darwin"), ("x86_64", "aarch64"))
)


def requirements(names, python, platform, machine) -> dict[str, str]:
    """Returns what a system must install, name to versions."""
    system = {"python_version": python, "sys_platform": platform, "platform_machine": machine}
    found = [Requirement(name) for name in names]
    found = [one for one in found if one.marker is None or one.marker.evaluate(system)]
    # A dictionary would hide the second.
    assert sum(one.name == "tensorflow" for one in found) <= 1
    return {one.name: str(one.specifier) for one in found}


@pytest.mark.parametrize("system", SYSTEMS)
def test_one_line_of_tensorflow(system):
    """The markers must be each other's negation: none, or two, would be installed elsewhere."""
    found = requirements(PROJECT["dependencies"], *system)
    is_old = system == ("3.11", "linux", "x86_64")
    assert found["tensorflow"] == ("==2.15.1" if is_old else ">=2.21")
    assert found["keras"] == ("==2.15.0" if is_old else ">=3.15")
    assert found["numpy"] == ("<2,>=1.26" if is_old else ">=2")
    for only_old in ("tensorflow-io", "tensorflow-addons"):
        assert (only_old in found) == is_old
    assert bool(requirements(PROJECT["optional-dependencies"]["hub"], *system)) == is_old


def constraints(name: str) -> dict[str, str]:
    lines = (ROOT / "constraints" / f"{name}.txt").read_text().splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pinned)
    return dict(line.split("==") for line in pinned)


@pytest.mark.parametrize(
    ("name", "system"),
    [("py311", ("3.11", "linux", "x86_64")), ("current", ("3.13", "linux", "x86_64"))],
)
def test_the_constraints_fix_every_requirement(name, system):
    """What a test has passed with must be what a user can install again."""
    pinned = {key.lower().replace("_", "-"): value for key, value in constraints(name).items()}
    extras = PROJECT["optional-dependencies"]
    names = [*PROJECT["dependencies"], *(n for key in extras if key != "dev" for n in extras[key])]
    for one, versions in requirements(names, *system).items():
        if one not in ("asd_tf", "setuptools"):
            version = pinned[one.lower().replace("_", "-")]
            assert version in Requirement(f"{one}{versions}").specifier


def test_detectors_are_read_in_both():
    """Backends are stored by scikit-learn and skops: a detector of one must load in the other."""
    old, current = constraints("py311"), constraints("current")
    for name in ("scikit-learn", "skops", "scipy", "joblib"):
        assert old[name] == current[name]
