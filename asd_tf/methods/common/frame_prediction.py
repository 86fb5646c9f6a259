"""Methods whose score is the prediction or reconstruction error of the frames of a clip.

One network per machine learns from windows of log-mel frames of its normal clips. The score of a
clip is the mean error of its frames or windows. It is calibrated on clips that were held out of the
training.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.backends.registry import build_backend
from asd_tf.data.frame_features import count_windows, window_batches
from asd_tf.data.groups import Group
from asd_tf.methods.common.checks import check_frames
from asd_tf.methods.common.log_mel_cache import (
    OF_FEATURES,
    LogMelCache,
    log_held_out,
    log_mel_cache,
    log_mel_model,
    log_mel_statistics,
)
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector
from asd_tf.run.run import Run
from asd_tf.scoring.scorers import Scorer
from asd_tf.training.stage import Stage

OF_NETWORK = (*OF_FEATURES, "network", "train", "calibration.held_out")

# Order of the first machine's stage. The log-mels have order 1, and each machine takes two numbers.
FIRST_MACHINE = 2

_AS_SCORE = {"members": {"error": {"estimator": "AsScore"}}}


class TrainingLogMels(NamedTuple):
    """The log-mels that a network was trained on.

    Attributes:
        log_mel_db: [clips, frames, bands] log-mels of all training clips in dB, on disk.
        source: Indices of the machine's source clips, or of clips without a domain.
        target: Indices of its target clips.
    """

    log_mel_db: np.ndarray
    source: np.ndarray
    target: np.ndarray


class FrameModel(NamedTuple):
    """A compiled network on windows, with its training examples and its errors.

    Attributes:
        training: The compiled model.
        examples: From (windows [batch, size, bands], seed [2]) to (inputs, targets) of `training`.
        errors: From the log-mels that the network was trained on to a layer from features [batch,
            frames, bands] to errors [batch, items, columns].
    """

    training: keras.Model
    examples: Callable[[tf.Tensor, tf.Tensor], tuple]
    errors: Callable[[TrainingLogMels], keras.layers.Layer]


# From (bands, mean of the log-mels, their standard deviation, steps in an epoch) to a model.
Build = Callable[[int, float, float, int], FrameModel]


class Trained(NamedTuple):
    """A trained network, and name and folder of its extractor."""

    network: keras.Model
    extractor: str
    folder: Path


def check_windows(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks that a clip has as many frames as a window.

    Raises:
        UsageError: If it has fewer.
    """
    check_frames(config, "network.frames", log_mel_model(config))


def fit_frame_models(run: Run, build: Build, backend: Mapping[str, Any] | None = None) -> None:
    """Trains and exports a network for each machine, and writes the detector.

    Args:
        run: The run; `network` and `train` of its recipe are those of the networks.
        build: Builds the network of a machine.
        backend: Description of the backend on the errors, see `build_backend`; None if their only
            column is the score.
    """
    cache = log_mel_cache(run)
    log_held_out(run, cache.held_out)
    trained = train_machines(run, cache, run.config, build, OF_NETWORK)

    def scorers(group: Group) -> list[Scorer]:
        return [error_scorer(trained[group[0]], backend)]

    extractors = {network.extractor: network.folder for network in trained.values()}
    fit_detector(run, extractors, scorers, held_out=cache.calibrates)


def error_scorer(trained: Trained, backend: Mapping[str, Any] | None = None) -> Scorer:
    """Returns the scorer whose score is the mean error over the items of a clip."""
    return Scorer(
        trained.extractor,
        build_backend(backend or _AS_SCORE),
        fit_on="mean",
        score_on="items",
        pool="mean",
        name="prediction_error",
    )


def train_machines(
    run: Run,
    cache: LogMelCache,
    recipe: ml_collections.ConfigDict,
    build: Build,
    depends_on: Sequence[str],
) -> dict[str, Trained]:
    """Trains and exports a network for each machine.

    Args:
        run: The run.
        cache: The log-mels to train on.
        recipe: The sections `network` and `train`.
        build: Builds the network of a machine.
        depends_on: The sections of the run's recipe that the networks depend on.
    """
    return {
        machine: _train_machine(run, cache, recipe, build, depends_on, index, machine)
        for index, machine in enumerate(machines_of(run))
    }


def machines_of(run: Run) -> list[str]:
    """Returns the names of the machines of the training clips, sorted."""
    return sorted(run.train_clips["machine"].unique())


def extractor_name(index: int, machine: str) -> str:
    """Returns the name of a machine's extractor, which is also a valid folder name."""
    return f"{index:02d}-" + re.sub(r"[^A-Za-z0-9.-]+", "_", machine)[:40].lstrip(".")


def _train_machine(
    run: Run,
    cache: LogMelCache,
    recipe: ml_collections.ConfigDict,
    build: Build,
    depends_on: Sequence[str],
    index: int,
    machine: str,
) -> Trained:
    """Trains and exports the network of a machine."""
    name, train = extractor_name(index, machine), recipe.train
    stage = run.stage(name, depends_on, order=FIRST_MACHINE + 2 * index)
    is_machine = (run.train_clips["machine"] == machine).to_numpy(bool)
    indices = cache.indices(is_machine)
    windows = len(indices) * count_windows(cache.frames, recipe.network.frames)
    steps = networks.steps_per_epoch(train, windows)
    mean, std = log_mel_statistics(stage, cache.log_mel_db, indices)
    model = networks.build(run, stage.seed, lambda: build(cache.bands, mean, std, steps))
    batches = functools.partial(_examples, recipe, cache, stage, name, indices, model)
    networks.train(run, stage, model.training, batches, epochs=train.epochs, steps_per_epoch=steps)

    def errors(stage: Stage) -> keras.Model:
        is_target = (run.train_clips["domain"] == "target").to_numpy(bool)
        trained_on = TrainingLogMels(
            cache.log_mel_db,
            cache.indices(is_machine & ~is_target),
            cache.indices(is_machine & is_target),
        )
        waveform = cache.frontend.input
        return keras.Model(waveform, model.errors(trained_on)(cache.frontend(waveform)))

    folder = networks.export(run, f"{name}-extractor", depends_on, errors)
    # Without the optimizer, whose state only the process that trained it has.
    network = keras.Model(model.training.inputs, model.training.outputs, name=name)
    return Trained(network, name, folder)


def _examples(
    recipe: ml_collections.ConfigDict,
    cache: LogMelCache,
    stage: Stage,
    name: str,
    indices: np.ndarray,
    model: FrameModel,
    first_step: int,
) -> tf.data.Dataset:
    """Streams (inputs, targets) of windows of some clips from a step on."""
    windows = window_batches(
        cache.log_mel_db,
        indices,
        recipe.network.frames,
        recipe.train.batch_size,
        stage.seed,
        name,
        first_step,
    )

    def examples(step: tf.Tensor, _: tf.Tensor, windows: tf.Tensor) -> tuple:
        return model.examples(windows, stage.step_seed(step))

    return windows.map(examples, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)
