"""Where the results of a report come from."""

import dataclasses
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

import asd_tf

_PACKAGES = {
    "TensorFlow": "tensorflow",
    "Keras": "keras",
    "scikit-learn": "scikit-learn",
    "NumPy": "numpy",
    "pandas": "pandas",
}


def installed_versions() -> dict[str, str]:
    """Returns the versions of asd_tf, of Python and of what the numbers depend on.

    The metadata of the packages are read; importing TensorFlow would take seconds.
    """
    versions = {"asd_tf": asd_tf.__version__, "Python": platform.python_version()}
    for name, package in _PACKAGES.items():
        try:
            versions[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


@dataclasses.dataclass(frozen=True)
class ReportContext:
    """What a report says of the run, beside its results.

    Attributes:
        method: Name of the method.
        recipe: Name of the recipe.
        dataset: Name of the layout of the data, such as `dcase2022`.
        seed: Seed of everything random.
        values: The recipe, as one level of dotted keys.
        settings: What else the run was told, such as `num_runs`.
        commands: Command lines that make these results again.
        bad_files: The files that could not be read: clip_id, reason. None where nobody looked.
        versions: Name to version.
    """

    method: str
    recipe: str
    dataset: str
    seed: int
    values: Mapping[str, Any]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    commands: Sequence[str] = ()
    bad_files: pd.DataFrame | None = None
    versions: Mapping[str, str] = dataclasses.field(default_factory=installed_versions)
