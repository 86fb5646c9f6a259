"""What methods share whose score is how badly the frames of a clip are predicted.

One network for each machine learns from windows of log-mel frames of its normal clips. The error of
each frame is the evidence, their mean the score of a clip. Scores are calibrated on clips that were
held out of the training.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from asd_tf.data.frame_features import window_batches
from asd_tf.detector.base import Group
from asd_tf.detector.extractor import export_extractor
from asd_tf.methods.assembly import fit_detector
from asd_tf.methods.frame_data import OF_FEATURES, FrameData, frame_data, level_statistics
from asd_tf.methods.progress import Say
from asd_tf.methods.training import train_network
from asd_tf.run import Run

OF_NETWORK = (*OF_FEATURES, "network", "train", "calibration.held_out")

NETWORK_RANGES = {
    "network.frames": (2, math.inf),
    "train.epochs": (1, math.inf),
    "train.batch_size": (1, math.inf),
    "train.learning_rate": (0.0, math.inf),
    "train.steps_per_epoch": (1, math.inf),
}
FRAME_RANGES = {
    "data.seconds": (0.2, math.inf),
    **NETWORK_RANGES,
    "calibration.held_out": (0.0, 0.5),
}

_AS_SCORE = {"members": {"error": {"estimator": "AsScore"}}}


class TrainingLevels(NamedTuple):
    """The log-mels that a network was trained on.

    Attributes:
        levels: [clips, frames, bands] those of all clips, on disk.
        source: Numbers of the machine's source clips, or of clips without a domain.
        target: Numbers of its target clips.
    """

    levels: np.ndarray
    source: np.ndarray
    target: np.ndarray


class FrameModel(NamedTuple):
    """A network on windows, compiled, and how it is fed and read.

    Attributes:
        training: The compiled model.
        examples: From (windows [batch, size, bands], seed [2]) to (inputs, targets) of `training`.
        errors: From the levels that the trained network has seen to a layer from features [batch,
            frames, bands] to errors [batch, items, columns].
    """

    training: keras.Model
    examples: Callable[[tf.Tensor, tf.Tensor], tuple]
    errors: Callable[[TrainingLevels], keras.layers.Layer]


# From (bands, mean of the levels, their standard deviation, steps in an epoch) to a model.
Build = Callable[[int, float, float, int], FrameModel]


class Trained(NamedTuple):
    """A network that was trained, and the name and folder of the extractor that it became."""

    network: keras.Model
    extractor: str
    folder: Path


def fit_frame_models(
    run: Run, build: Build, say: Say, backend: Mapping[str, Any] | None = None
) -> None:
    """Trains and exports a network for each machine, and writes the detector.

    Args:
        run: The run; `network` and `train` of its recipe are those of the networks.
        build: Builds the network of a machine.
        say: Told what is going on.
        backend: What judges the errors, as `build_backend` takes it; None for the only column as
            it is.
    """
    say_what_is_held_out(run, data := frame_data(run, say), say)
    trained = train_machines(run, data, run.config, build, OF_NETWORK, say)

    def scorers(group: Group) -> list[dict]:
        return [error_scorer(trained[group[0]], backend)]

    extractors = {one.extractor: one.folder for one in trained.values()}
    fit_detector(run, extractors, scorers, say, data.calibrates)


def say_what_is_held_out(run: Run, data: FrameData, say: Say) -> None:
    """Tells how many clips there are, and how many calibrate."""
    clips = run.train_clips
    if not data.held_out.any():
        say(
            f"{len(clips)} normal clips, none held out: the networks have seen the clips that "
            "calibrate, so that thresholds will be low"
        )
        return
    say(
        f"{len(clips)} normal clips of {clips['machine'].nunique()} machines, "
        f"{data.held_out.sum()} of them held out to calibrate"
    )


def error_scorer(trained: Trained, backend: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the scorer whose score is the mean error over the items of a clip."""
    return {
        "extractor": trained.extractor,
        "backend": backend or _AS_SCORE,
        "fit_on": "mean",
        "score_on": "items",
        "pool": "mean",
        "name": "prediction_error",
    }


def train_machines(
    run: Run,
    data: FrameData,
    recipe: ml_collections.ConfigDict,
    build: Build,
    depends_on: Sequence[str],
    say: Say,
) -> dict[str, Trained]:
    """Trains and exports a network for each machine.

    Args:
        run: The run.
        data: What is trained on.
        recipe: `network` and `train`: what a network is, and how it is trained.
        build: Builds the network of a machine.
        depends_on: The sections of the run's recipe that the networks depend on.
        say: Told what is going on.
    """
    data.check_size("network.frames", recipe.network.frames)
    return {
        machine: _train_machine(run, data, recipe, build, depends_on, index, machine, say)
        for index, machine in enumerate(sorted(run.train_clips["machine"].unique()))
    }


def extractor_name(index: int, machine: str) -> str:
    """Returns the name of a machine's extractor, which is one of a folder too."""
    return f"{index:02d}-" + re.sub(r"[^A-Za-z0-9.-]+", "_", machine)[:40].lstrip(".")


def _train_machine(
    run: Run,
    data: FrameData,
    recipe: ml_collections.ConfigDict,
    build: Build,
    depends_on: Sequence[str],
    index: int,
    machine: str,
    say: Say,
) -> Trained:
    """Trains and exports the network of a machine."""
    clips, levels, train = run.train_clips, data.levels, recipe.train
    name = extractor_name(index, machine)
    stage = run.stage(name, depends_on)
    is_machine = (clips["machine"] == machine).to_numpy(bool)
    rows, size = data.rows(is_machine), recipe.network.frames
    windows = len(rows) * (levels.shape[1] - size + 1)
    steps = train.steps_per_epoch or math.ceil(windows / train.batch_size)
    with run.settings.devices.scope():
        keras.utils.set_random_seed(stage.seed)
        model = build(levels.shape[2], *level_statistics(stage, levels, rows), steps)

    def batches(first_step: int) -> tf.data.Dataset:
        stream = window_batches(levels, rows, size, train.batch_size, stage.seed, name, first_step)

        def examples(step, windows):
            return model.examples(windows, tf.stack([tf.cast(stage.seed, tf.int64), step]))

        return stream.map(examples, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)

    train_network(
        run, stage, model.training, batches, epochs=train.epochs, steps_per_epoch=steps, say=say
    )
    export = run.stage(f"{name}-extractor", depends_on)
    if not export.done:
        is_target = (clips["domain"] == "target").to_numpy(bool)
        seen = TrainingLevels(
            levels, data.rows(is_machine & ~is_target), data.rows(is_machine & is_target)
        )
        waveform = data.frontend.input
        network = keras.Model(waveform, model.errors(seen)(data.frontend(waveform)))
        export_extractor(network, export.folder / "extractor")
        export.finish()
    # Without its optimizer, whose moments are there only in the process that trained it.
    network = keras.Model(model.training.inputs, model.training.outputs, name=name)
    return Trained(network, name, export.folder / "extractor")
