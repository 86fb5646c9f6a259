"""Quantities that change from step to step, other than the learning rate."""

from collections.abc import Callable

import keras
import tensorflow as tf


def linear_ramp(step: int, start: int, end: int, maximum: float) -> float:
    """Returns 0 up to a step, then a line up to another one, then the maximum.

    GeCo's balance factor (Zeng et al., ICASSP 2023, Section 3.2): start and end are the first steps
    of the 30th and of the 90th epoch, counted from 0, and the maximum is 10.

    Args:
        step: Steps done before this one.
        start: The last step at which it is 0.
        end: The first step at which it is the maximum; where `start` is no smaller, it jumps there.
        maximum: The value at the end.
    """
    if step >= end:
        return maximum
    return maximum * max(step - start, 0) / max(end - start, 1)


class StepSchedule(keras.callbacks.Callback):
    """Sets a variable before each step, to a function of the steps done in all epochs.

    As the value depends on the number of the step alone, a training that was interrupted and is
    resumed at the beginning of an epoch has the same values. `fit` must do one step at a time, as
    it does by default.

    Args:
        variable: What is set, such as the `balance` of a `GenerativeContrastiveLoss`.
        schedule: From the number of steps done to the value.
        steps_per_epoch: Steps in an epoch.
    """

    def __init__(
        self, variable: tf.Variable, schedule: Callable[[int], float], steps_per_epoch: int
    ):
        super().__init__()
        self.variable = variable
        self.schedule = schedule
        self.steps_per_epoch = steps_per_epoch
        self._done = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Counts the epochs before this one."""
        self._done = epoch * self.steps_per_epoch

    def on_train_batch_begin(self, batch, logs=None):
        """Sets the variable."""
        self.variable.assign(self.schedule(self._done + batch))
