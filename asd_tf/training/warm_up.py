"""A learning rate with a linear warm-up."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_at_least


@keras.saving.register_keras_serializable(package="asd_tf")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up to the peak, then the constant peak or a linear decay to 0.

    The first step has the rate peak / warmup_steps, step number `warmup_steps` the peak. The rate
    is a function of the optimizer's step count only, which is part of its checkpoints.

    Args:
        peak: Learning rate after the warm-up.
        warmup_steps: Steps of the warm-up; 0 for none.
        total_steps: Steps after which the rate is 0; None for a constant rate after the warm-up.

    Raises:
        ValueError: If `warmup_steps` is negative, or not smaller than `total_steps`.
    """

    def __init__(self, peak: float, warmup_steps: int, total_steps: int | None = None):
        check_at_least(0, warmup_steps=warmup_steps)
        if total_steps is not None and total_steps <= warmup_steps:
            raise ValueError(
                f"warmup_steps must be smaller than total_steps = {total_steps}, got {warmup_steps}"
            )
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps

    def __call__(self, step):
        """Returns the rate of a step, counted from 0."""
        done = tf.cast(step, tf.float32)
        share = tf.minimum((done + 1) / max(self.warmup_steps, 1), 1.0)
        if self.total_steps is not None:
            left = (self.total_steps - done) / (self.total_steps - self.warmup_steps)
            share = tf.clip_by_value(left, 0.0, share)
        return self.peak * share

    def get_config(self):
        """Returns the arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
        }
