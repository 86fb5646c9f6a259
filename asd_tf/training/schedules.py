"""Schedules of variables other than the learning rate."""

from collections.abc import Callable

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts


def linear_ramp(step: int, start: int, end: int, maximum: float) -> float:
    """Returns 0 up to `start`, then a linear ramp up to `end`, then the maximum.

    GeCo's balance factor (Zeng et al., ICASSP 2023, Section 3.2): start and end are the first steps
    of epochs 30 and 90, counted from 0, and the maximum is 10.

    Args:
        step: Number of steps before this one.
        start: The last step with the value 0.
        end: The first step with the maximum. If it is not larger than `start`, the value jumps from
            0 to the maximum at this step.
        maximum: The final value.
    """
    if step >= end:
        return maximum
    return maximum * max(step - start, 0) / max(end - start, 1)


class StepSchedule(keras.callbacks.Callback):
    """Sets a variable before each step to a function of the number of steps of all epochs.

    The value depends only on the number of the step, so that a training that is resumed at the
    beginning of an epoch gets the same values. `fit` must execute one step at a time, which is its
    default.

    Args:
        variable: The variable, such as the `balance` of a `GenerativeContrastiveLoss`.
        schedule: Maps the number of steps before this one to the value.
        steps_per_epoch: Steps in an epoch.

    Raises:
        ValueError: If `steps_per_epoch` is not a positive integer.
    """

    def __init__(
        self, variable: tf.Variable, schedule: Callable[[int], float], steps_per_epoch: int
    ):
        super().__init__()
        check_counts(steps_per_epoch=steps_per_epoch)
        self.variable = variable
        self.schedule = schedule
        self.steps_per_epoch = steps_per_epoch
        self._done = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the number of steps before this epoch."""
        self._done = epoch * self.steps_per_epoch

    def on_train_batch_begin(self, batch, logs=None):
        """Sets the variable."""
        self.variable.assign(self.schedule(self._done + batch))
