"""Callbacks of every training: stop on a bad loss, history and checkpoints."""

import math
from pathlib import Path

import keras
import pandas as pd
import tensorflow as tf

from asd_tf.compat import state_of_training
from asd_tf.errors import InputError
from asd_tf.files import write_csv


class StopOnBadLoss(keras.callbacks.Callback):
    """Stops the training with an error as soon as the loss is not finite.

    Raises:
        InputError: At the end of the step.
    """

    def on_train_batch_end(self, batch, logs=None):
        """Checks the running loss of the epoch."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise InputError(
                f"the loss became {loss} in step {batch + 1} of the epoch: lower the learning "
                "rate, or train with --mixed_precision=float32"
            )


class History(keras.callbacks.Callback):
    """Writes `history.csv`, one row per epoch, and continues it when a training is resumed.

    Args:
        path: The file.
        epochs_done: Number of rows to keep of an existing file; later rows are discarded.
    """

    def __init__(self, path: Path, epochs_done: int = 0):
        super().__init__()
        self.path = path
        self.rows = []
        if epochs_done and path.exists():
            stored = pd.read_csv(path, float_precision="round_trip")
            self.rows = stored.head(epochs_done).to_dict("records")

    def on_epoch_end(self, epoch, logs=None):
        """Adds the epoch's row."""
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self.rows.append({"epoch": epoch + 1, **logs})
        write_csv(self.path, pd.DataFrame(self.rows))


class EpochCheckpoint(keras.callbacks.Callback):
    """Saves the whole state of a training (weights, optimizer, epoch) after each epoch.

    keras.callbacks.BackupAndRestore does so too, but restores the epoch only after `fit` has
    started, while the dataset has to be built for that epoch before.

    Args:
        model: A compiled model.
        folder: Folder of the checkpoints; only the newest is kept.
    """

    def __init__(self, model: keras.Model, folder: Path):
        super().__init__()
        self._epochs = tf.Variable(0, dtype=tf.int64, trainable=False, name="epochs_done")
        # Outside of the scope, the replicas would share one variable for each moment.
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)
        checkpoint = tf.train.Checkpoint(epochs_done=self._epochs, **state_of_training(model))
        self._manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=1)

    def restore(self) -> int:
        """Restores the newest checkpoint if there is one.

        Returns:
            The number of finished epochs.
        """
        if self._manager.latest_checkpoint:
            self._manager.checkpoint.restore(self._manager.latest_checkpoint).assert_consumed()
        return int(self._epochs.numpy())

    def on_epoch_end(self, epoch, logs=None):
        """Saves the state."""
        self._epochs.assign(epoch + 1)
        self._manager.save(checkpoint_number=epoch + 1)
