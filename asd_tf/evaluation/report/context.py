"""What a report says beside its results: of a run, or of a detector alone."""

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
    """Returns the versions of asd_tf, Python and the packages that results depend on.

    Versions are read from package metadata, since importing TensorFlow would take seconds.
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
    """What a report says about a run, or a detector, besides its results.

    Attributes:
        method: Name of the method.
        recipe: Name of the recipe.
        dataset: Name of the dataset's layout, such as `dcase2022`.
        seed: Seed of the run; None where the run is not known.
        values: The recipe, with dotted keys; empty where it is not known.
        settings: Other settings of the run, such as `num_runs`, or what a detector is.
        commands: Command lines that reproduce these results.
        bad_files: Files that could not be read, with the columns clip_id and reason; None if that
            was not checked.
        part_weights: Columns machine, part, weight and pseudo_fault_auc of a detector whose parts
            are weighted; None of other ones.
        versions: Package name to version.
    """

    method: str
    recipe: str
    dataset: str
    seed: int | None = None
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    commands: Sequence[str] = ()
    bad_files: pd.DataFrame | None = None
    part_weights: pd.DataFrame | None = None
    versions: Mapping[str, str] = dataclasses.field(default_factory=installed_versions)
