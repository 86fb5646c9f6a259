"""Training and export of the networks of a run, each in a stage of its own."""

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import keras
import ml_collections
import tensorflow as tf

from asd_tf.config import usage_errors
from asd_tf.data.decoding.inspection import explain_failure
from asd_tf.extraction.extractor import export_extractor
from asd_tf.run.init_from import start_from
from asd_tf.run.run import Run
from asd_tf.training.addons import progress_bar
from asd_tf.training.stage import Stage, fit_stage

_logger = logging.getLogger(__name__)

T = TypeVar("T")


def build(run: Run, seed: int, function: Callable[[], T]) -> T:
    """Builds networks on the devices of the run, with weights drawn from a seed.

    Args:
        run: The run.
        seed: Seed of the weights: that of the stage that trains them.
        function: Builds and compiles them.

    Raises:
        UsageError: If a value of the recipe is impossible for the network.
    """
    with usage_errors(run.config), run.settings.devices.scope():
        keras.utils.set_random_seed(seed)
        return function()


def steps_per_epoch(
    train: ml_collections.ConfigDict, clips: int, batch_size: int | None = None
) -> int:
    """Returns the steps of an epoch.

    Args:
        train: Section of a recipe with `steps_per_epoch`, which is the result if it is not none,
            and `batch_size`.
        clips: Number of clips or windows, of which an epoch otherwise takes each once.
        batch_size: Clips or windows per batch; None for that of `train`.
    """
    return train.steps_per_epoch or math.ceil(clips / (batch_size or train.batch_size))


def train(
    run: Run,
    stage: Stage,
    model: keras.Model,
    batches: Callable[[int], tf.data.Dataset],
    *,
    epochs: int,
    steps_per_epoch: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Trains a model in a stage of a run, or loads the weights of the finished stage.

    An untrained run takes no training step.

    Args:
        run: The run.
        stage: The stage, which is finished afterwards.
        model: A compiled model; it has the stage's final weights afterwards.
        batches: First step to an endless dataset of (inputs, targets) from that step on.
        epochs: Number of epochs.
        steps_per_epoch: Steps in an epoch.
        callbacks: Further callbacks, such as a `StepSchedule`.

    Raises:
        InputError: If a clip cannot be read, or the loss is not finite.
    """
    if stage.done:
        stage.load_weights(model)
        return
    epochs = 0 if run.settings.untrained else epochs
    _logger.info("%s: %d epochs of %d steps", stage.name, epochs, steps_per_epoch)
    if run.init_from is not None:
        start_from(run.init_from, stage, model)
    try:
        fit_stage(
            stage,
            model,
            batches,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            callbacks=[*callbacks, progress_bar()],
        )
    except tf.errors.OpError as error:
        raise (explain_failure(run.train_clips, error) or error) from error
    stage.finish()


def export(
    run: Run,
    name: str,
    depends_on: Sequence[str],
    function: Callable[[Stage], keras.Model],
) -> Path:
    """Exports a network as an extractor, once, in its own stage.

    Args:
        run: The run.
        name: Name of the stage.
        depends_on: What the network depends on; see `Stages.open`.
        function: From the stage, in whose folder it may keep files, to the network from waveforms
            (and sections) to features; called only if the stage is not done.

    Returns:
        The folder of the SavedModel.
    """
    stage = run.stage(name, depends_on)
    folder = stage.folder / "extractor"
    if not stage.done:
        _logger.info("export the network: %s", name)
        with usage_errors(run.config):
            model = function(stage)
        export_extractor(model, folder)
        stage.finish()
    return folder
