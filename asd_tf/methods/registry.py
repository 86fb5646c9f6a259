"""The methods by name: the one place where a method is registered."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol, cast

import ml_collections
import pandas as pd

from asd_tf.config import check_choice
from asd_tf.run.run import Run

MODULES: Mapping[str, str] = MappingProxyType(
    {
        "ae": "ae",
        "asai": "asai",
        "ensemble": "ensemble",
        "frozen": "frozen",
        "geco": "geco",
        "idnn": "idnn",
        "kuroyanagi": "kuroyanagi.system",
        "kuroyanagi_ae": "kuroyanagi.autoencoder",
        "kuroyanagi_bc": "kuroyanagi.classifier",
        "loudness": "loudness",
        "mahalanobis": "mahalanobis",
        "mobilenetv2": "mobilenetv2",
        "pae": "pae",
        "resnet18": "resnet18",
        "statistics": "statistics",
        "stgram": "stgram",
        "wilkinghoff": "wilkinghoff",
        "zheng": "zheng.system",
    }
)
"""Name of a method, which is the folder of its recipes in configs/, to its module here."""


class Method(Protocol):
    """The functions that the module of a method has.

    A method whose recipe has values that depend on the layout of the data has a third one,
    `fill_in(config, dataset)`: it is called before `check`, and puts such values where the recipe
    has none, so that the run keeps those that it used.

    A method that fits its backends to what `calibration.held_out` keeps from its networks has
    `NEEDS_HELD_OUT = True`, and holds out clips of each network whatever calibrates the detector.

    A method without a network to train has `TRAINS_NOTHING = True`: it starts from no weights of
    another run.
    """

    def check(self, config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
        """Checks recipe and clips before anything is written.

        Args:
            config: The recipe, with all overrides applied and `data.seconds` filled in.
            clips: The clip table.

        Raises:
            UsageError: If a value of the recipe is impossible.
            InputError: If the method cannot learn from these clips.
        """

    def fit(self, run: Run) -> None:
        """Trains on the training clips of a run, and writes its detector to the run's folder."""


def load_method(name: str) -> Method:
    """Imports the module of a method.

    Raises:
        UsageError: If there is no such method; the message suggests the nearest name.
    """
    check_choice("method", name, MODULES)
    return cast(Method, importlib.import_module(f"asd_tf.methods.{MODULES[name]}"))


def needs_held_out(method: Method) -> bool:
    """Returns whether a method holds out clips for its backends, too; see `Method`."""
    return getattr(method, "NEEDS_HELD_OUT", False)


def trains_nothing(method: Method) -> bool:
    """Returns whether a method has no network to train; see `Method`."""
    return getattr(method, "TRAINS_NOTHING", False)
