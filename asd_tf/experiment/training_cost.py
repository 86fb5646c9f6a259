"""How much longer the training of one recipe is than that of another."""

import math
from collections.abc import Iterator

import ml_collections
import pandas as pd

from asd_tf.experiment.calibration_plan import CalibrationPlan

# Samples between frames of a spectrogram, in all recipes that learn from single frames.
_HOP = 512


def times_the_steps(
    other: ml_collections.ConfigDict, config: ml_collections.ConfigDict, clips: pd.DataFrame
) -> float | None:
    """Estimates the gradient steps of a recipe as a multiple of those of another.

    Steps are counted for one network of each kind and each candidate of an ensemble, in each of the
    trainings that `calibration.method` takes. What a step takes, which grows with networks, batches
    and windows, is not in it.

    Args:
        other: The recipe.
        config: The recipe that it is compared with, for which the clips were prepared.
        clips: The clip table with a row for each window.

    Returns:
        The multiple; None where the second recipe has no steps.
    """
    training = clips[clips["split"] == "train"]
    machines = max(training["machine"].nunique(), 1)
    own = _steps(config, len(training), machines)
    seconds = other.data.seconds or config.data.seconds
    windows = max(len(training) * config.data.seconds / seconds, training["recording_id"].nunique())
    return _steps(other, windows, machines) / own if own else None


def _steps(config: ml_collections.ConfigDict, windows: float, machines: int) -> float:
    seconds, rate = config.data.seconds or config.data.max_seconds, config.data.sample_rate
    total = 0
    for recipe, train in _trainings(config):
        items = windows
        if "frames" in recipe.get("network", {}):  # one network a machine, with frames as examples
            items *= seconds * rate / _HOP / machines
        batch = train.get("batch_size") or recipe.get("optimizer", recipe.get("train")).batch_size
        steps = train.steps_per_epoch or math.ceil(items / batch)
        total += train.epochs * steps * recipe.get("ensemble", {}).get("candidates", 1)
    return total * CalibrationPlan.of(config).relative_cost


def _trainings(
    recipe: ml_collections.ConfigDict,
) -> Iterator[tuple[ml_collections.ConfigDict, ml_collections.ConfigDict]]:
    """Yields each section with epochs, and the recipe or part of it in which it is."""
    for value in recipe.values():
        if isinstance(value, ml_collections.ConfigDict):
            if "epochs" in value:
                yield recipe, value
            else:
                yield from _trainings(value)
