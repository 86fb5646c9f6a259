"""One stage of a training: a folder with weights, a history, and a DONE that is written last."""

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from asd_tf.files import atomic_path, write_text
from asd_tf.seeds import stable_seed
from asd_tf.training.callbacks import EpochCheckpoint, History, StopOnBadLoss


class Stage:
    """A folder `stages/NAME` of a run.

    Args:
        folder: The folder; it is made.
        tensorboard: Where TensorBoard's event files of this stage go.
        seed: Seed of the run.
        seed_word: What the stage is called in its random streams; by default as its folder.

    Attributes:
        seed: Seed of the stage, a function of the run's seed and the stage's seed word.
    """

    WEIGHTS = "final.weights.h5"

    def __init__(self, folder: Path, tensorboard: Path, seed: int, seed_word: str = ""):
        self.folder = folder
        self.seed_word = seed_word or folder.name
        self.seed = stable_seed(seed, self.seed_word)
        self.tensorboard = tensorboard
        folder.mkdir(parents=True, exist_ok=True)
        if self.done:  # A process may have been killed right after it had finished the stage.
            self._delete_checkpoints()

    @property
    def name(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def done(self) -> bool:
        """Whether the stage has finished; then it is loaded and never run again."""
        return (self.folder / "DONE").exists()

    def finish(self) -> None:
        """Marks the stage as finished; its checkpoints are deleted."""
        write_text(self.folder / "DONE", "")
        self._delete_checkpoints()

    def _delete_checkpoints(self) -> None:
        shutil.rmtree(self.folder / "checkpoint", ignore_errors=True)

    def step_seed(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the seed [2] int64 of a step (int64 scalar), for stateless random operations."""
        return tf.stack([tf.cast(self.seed, tf.int64), step])

    def load_weights(self, model: keras.Model) -> None:
        """Loads what the finished stage left into a model of the same form."""
        model.load_weights(self.folder / self.WEIGHTS)

    def save_weights(self, model: keras.Model) -> None:
        """Writes the weights of `model`, whole or not at all."""
        with atomic_path(self.folder / self.WEIGHTS) as temporary:
            model.save_weights(temporary)


def fit_stage(
    stage: Stage,
    model: keras.Model,
    batches: Callable[[int], tf.data.Dataset],
    *,
    epochs: int,
    steps_per_epoch: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Trains a compiled model, or finishes a training that was interrupted.

    After an interruption the broken epoch is done again, from the same state and on the same
    batches, so that the weights at the end are the same.

    Args:
        stage: Where the training keeps its files; the final weights are among them.
        model: A compiled model; it has the final weights afterwards.
        batches: First step to an endless dataset of (inputs, targets) from that step on.
        epochs: Number of epochs in all; 0 leaves the model as it is, untrained.
        steps_per_epoch: Steps in an epoch.
        callbacks: Further callbacks, such as progress bars.

    Raises:
        InputError: If the loss is not finite.
    """
    if epochs:
        _fit(stage, model, batches, epochs, steps_per_epoch, callbacks)
    stage.save_weights(model)


def _fit(stage, model, batches, epochs, steps_per_epoch, callbacks):
    checkpoint = EpochCheckpoint(model, stage.folder / "checkpoint")
    epochs_done = checkpoint.restore()
    if epochs_done == epochs:
        return
    try:
        model.fit(
            batches(epochs_done * steps_per_epoch),
            initial_epoch=epochs_done,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            shuffle=False,
            verbose=0,
            callbacks=[
                StopOnBadLoss(),
                *callbacks,
                keras.callbacks.TensorBoard(stage.tensorboard, write_graph=False),
                History(stage.folder / "history.csv", epochs_done),
                checkpoint,
            ],
        )
    except BaseException:
        # The bar of a broken epoch has no end of line, and a message follows.
        print(file=sys.stderr)
        raise
