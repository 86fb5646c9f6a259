"""What methods share in training a network: progress, failures, and the floor of a report."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from asd_tf.data.inspection import explain_failure
from asd_tf.methods.progress import Say
from asd_tf.run import Run
from asd_tf.training.addons import progress_bar
from asd_tf.training.stage import Stage, fit_stage


def train_network(
    run: Run,
    stage: Stage,
    model: keras.Model,
    batches: Callable[[int], tf.data.Dataset],
    *,
    epochs: int,
    steps_per_epoch: int,
    say: Say,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Does a stage of a run, or loads what it left; in a run that is untrained it does no step.

    Args:
        run: The run.
        stage: The stage, which is finished afterwards.
        model: A compiled model; it has the stage's final weights afterwards.
        batches: First step to an endless dataset of (inputs, targets) from that step on.
        epochs: Number of epochs.
        steps_per_epoch: Steps in an epoch.
        say: Told what is going on.
        callbacks: What else happens at each step, such as a `StepSchedule`.

    Raises:
        InputError: If a clip cannot be read, or the loss is not finite.
    """
    if stage.done:
        stage.load_weights(model)
        return
    epochs = 0 if run.settings.untrained else epochs
    say(f"{stage.folder.name}: {epochs} epochs of {steps_per_epoch} steps")
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
        raise (explain_failure(run.train_clips, run.config.data.sample_rate) or error) from error
    stage.finish()
