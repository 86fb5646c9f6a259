"""Every key of every recipe must do something."""

import contextlib
import copy
import functools
import importlib

import pytest
from recorded_config import RecordedConfig

from asd_tf.config import apply_overrides, flatten, load_recipe, method_names, recipe_names
from asd_tf.data.layouts.readers import read_clips
from asd_tf.errors import UsageError
from asd_tf.experiment import training
from asd_tf.methods.registry import load_method
from asd_tf.run.fit_detector import scorer_of
from asd_tf.run.run import Run
from asd_tf.run.settings import Settings

# The other methods take longer to fit.
QUICK = ("mahalanobis",)
# Sections that the code around all methods reads.
SHARED = ("data.", "recording.")
# Values by machine, of which those of the machines in the data are read.
BY_MACHINE = {"geco": ("fusion.published.",)}
# Methods with a section for each of some other methods.
PARTS = {
    "ensemble": {name: name for name in ("frozen", "pae", "statistics", "wilkinghoff")},
    "kuroyanagi": {"ae": "kuroyanagi_ae", "bc": "kuroyanagi_bc"},
}
# What a second training changes, to reach keys that `quick` has no use for.
SECOND = {
    "kuroyanagi_bc": ("loss.arcface=1.0",),
    "wilkinghoff": ("network.branches=spectrogram", "network.spectrogram=log_mel"),
    # With an encoder that is trained from scratch.
    "zheng": ("encoder.kind=beats", "loss.kind=subcluster_adacos", "mixup.probability=0.5"),
}
METHODS = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in method_names()
]


def recorded(method: str, recipe: str, overrides=()) -> tuple[RecordedConfig, set[str]]:
    """Returns a recipe that records, and the set of the keys that were looked up."""
    config = load_recipe(method, recipe)
    apply_overrides(config, overrides)
    looked_up: set[str] = set()
    return RecordedConfig(config, looked_up).lock(), looked_up


def tiny(method: str) -> tuple[str, ...]:
    """Returns the overrides with which `quick` takes seconds."""
    return importlib.import_module(f"asd_tf.configs.{method}.quick").TEST


@pytest.fixture(scope="module")
def used_in_training(dataset, tmp_path_factory):
    """Returns a function from a method to the keys that tiny trainings by `quick` look up."""

    def train(method: str, *more: str) -> set[str]:
        folder = tmp_path_factory.mktemp(method) / "run"
        return train_recorded(dataset, folder, method, [*tiny(method), *more])

    @functools.cache
    def used(method: str) -> set[str]:
        keys = train(method)
        if method in SECOND:
            keys |= train(method, *SECOND[method])
        for section, part in PARTS.get(method, {}).items():
            keys |= {f"{section}.{key}" for key in used(part)}
        return keys

    return used


def train_recorded(dataset, folder, method: str, overrides) -> set[str]:
    """Trains by `quick` as on data of one's own; returns the keys that were looked up."""
    config, looked_up = recorded(method, "quick", overrides)
    clips, _ = read_clips(dataset)
    clips, bad = training.prepare(clips, config, method, "fail", "folder")
    settings = Settings(method=method, recipe="quick", dataset="folder")
    training.train(Run.open(folder, settings, config, clips), bad)
    return looked_up


def used_in_checks(method: str, recipe: str, clips) -> set[str]:
    """Returns the keys that a recipe's own check and backend look up.

    The backend refuses keys that it does not know.
    """
    known = flatten(load_recipe(method, recipe))
    overrides = [text for text in tiny(method) if text.partition("=")[0] in known]
    config, looked_up = recorded(method, recipe, overrides)
    with contextlib.suppress(
        UsageError
    ):  # such as missing weights; what was read until then counts
        load_method(method).check(config, clips)
    if "members" in config.get("backend", {}):
        scorer_of(config, "features")
    return looked_up


@pytest.mark.parametrize("method", METHODS)
def test_every_key_is_looked_up(method, used_in_training, dataset):
    """A key that no code reads would be set by a user without any effect, and silently."""
    used, (clips, _) = used_in_training(method), read_clips(dataset)
    exempt = (*SHARED, *BY_MACHINE.get(method, ()))
    for recipe in recipe_names(method):
        keys = {key for key in flatten(load_recipe(method, recipe)) if not key.startswith(exempt)}
        dead = sorted(keys - used - used_in_checks(method, recipe, clips))
        assert not dead, f"{method}, recipe {recipe}: {dead}"


def test_every_key_around_the_methods_is_looked_up(dataset, tmp_path):
    """The same of the sections that all recipes share."""
    used = train_recorded(dataset, tmp_path / "run", "mahalanobis", ())
    shared = {key for key in flatten(load_recipe("mahalanobis", "quick")) if key.startswith(SHARED)}
    assert shared <= used


def test_the_recorder_sees_use_only():
    """Checking or describing a recipe must not count as use of its keys, but copies must."""
    config, looked_up = recorded("wilkinghoff", "paper")
    flatten(config)
    apply_overrides(config, ["train.epochs=3"])
    assert not looked_up
    assert copy.deepcopy(config).train.epochs == 3
    assert looked_up == {"train", "train.epochs"}
    dict(**config.mixup)
    assert {"mixup.probability", "mixup.label_rule"} <= looked_up
