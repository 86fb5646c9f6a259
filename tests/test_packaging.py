"""The built wheel works from any folder, with its recipes and commands."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

import asd_tf

ROOT = Path(__file__).parents[1]

COMMANDS = (
    "asd-train",
    "asd-evaluate",
    "asd-score",
    "asd-data",
    "asd-fuse",
    "asd-convert",
    "asd-detector",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the wheel unpacked, and nothing else of the clone."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    result = subprocess.run(build, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    (wheel,) = folder.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", folder / "site"]
    subprocess.run([*install, wheel], check=True, capture_output=True, timeout=120)
    return folder / "site"


def run(site, command, *arguments, cwd):
    return subprocess.run(
        [site / "bin" / command, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_whole_way_from_the_wheel(site, dataset, tmp_path):
    """A user who has only the wheel must get recipes, training, evaluation and scores."""
    trained = run(site, "asd-train", "--method=mahalanobis", f"--data_dir={dataset}", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    run_dir = tmp_path / "runs" / "mahalanobis-paper-tones-seed0"
    assert (run_dir / "evaluation" / "metrics.json").exists()
    evaluated = run(site, "asd-evaluate", f"--run_dir={run_dir}", cwd=tmp_path)
    assert "official score" in evaluated.stdout, evaluated.stderr
    clip = next((dataset / "dev_data" / "fan" / "test").iterdir())
    scored = run(site, "asd-score", run_dir / "detector", clip, cwd=tmp_path)
    assert scored.returncode == 0, scored.stderr
    assert len(scored.stdout.splitlines()) == 2


def test_what_the_code_reads_is_in_the_wheel(site):
    """The report must find its style and scripts, or nobody sees a result."""
    assets = site / "asd_tf" / "evaluation" / "report" / "assets"
    names = {path.name for path in assets.iterdir()}
    assert names == {"page.html", "report.css", "page.js", "map.js"}
    assert (site / "asd_tf" / "data" / "layouts" / "ground_truth_digests.csv").exists()


def test_every_module_and_recipe_is_in_the_wheel(site):
    """A package that is forgotten works in the clone and fails for everyone else."""
    for folder, place in (("asd_tf", "asd_tf"), ("configs", "asd_tf/configs")):
        expected = {path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*.py")}
        assert expected <= {path.relative_to(site / place) for path in (site / place).rglob("*.py")}


def test_the_version_is_that_of_the_package(site):
    """A detector states the version that made it, which must be that of the installed wheel."""
    (found,) = importlib.metadata.distributions(name="asd_tf", path=[str(site)])
    assert found.version == asd_tf.__version__


def test_the_package_is_imported_without_tensorflow():
    """The package sets oneDNN before TensorFlow is imported, which must not happen at once."""
    code = "import sys, asd_tf; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_data_is_made_from_the_wheel(site, tmp_path):
    made = run(
        site, "asd-data", "simulate", "--output_dir=sim", "--train_source=2", "--train_target=1",
        "--test_normal=1", "--test_anomaly=1", "--machines=fan", "--seconds=0.5", cwd=tmp_path,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    names = [path.name for path in (tmp_path / "sim").rglob("*.wav")]
    assert len(names) == 2 * (2 + 1 + 2 + 2)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_quick_and_names_the_flags(site, tmp_path, command):
    result = run(site, command, "--help", cwd=tmp_path)
    assert result.returncode == 0
    assert command in result.stdout or "python" in result.stdout
    assert "--traceback" in result.stdout


def test_the_clone_is_not_needed(site, tmp_path):
    """Recipes must come from the wheel, not by luck from a clone that is installed too."""
    code = "import asd_tf.configs.wilkinghoff.paper as p; print(p.__file__)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stdout.startswith(str(site))
