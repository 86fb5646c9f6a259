"""A learning rate that begins small."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A line up to the peak; then the peak, or a line down to 0.

    The first step has peak / warm_up_steps, step number `warm_up_steps` the peak. A function of the
    optimizer's count of steps alone, which is in its checkpoints.

    Args:
        peak: The learning rate after the warm-up.
        warm_up_steps: Its length; 0 for none.
        total_steps: The step after which it is 0; None for a rate that stays.

    Raises:
        ValueError: If the warm-up does not end before all steps do.
    """

    def __init__(self, peak: float, warm_up_steps: int, total_steps: int | None = None):
        if total_steps is not None and total_steps <= warm_up_steps:
            raise ValueError(
                f"a warm-up of {warm_up_steps} steps leaves nothing of {total_steps}: shorten it"
            )
        self.peak = peak
        self.warm_up_steps = warm_up_steps
        self.total_steps = total_steps

    def __call__(self, step):
        """Returns the rate of a step, counted from 0."""
        done = tf.cast(step, tf.float32)
        share = tf.minimum((done + 1) / max(self.warm_up_steps, 1), 1.0)
        if self.total_steps is not None:
            left = (self.total_steps - done) / (self.total_steps - self.warm_up_steps)
            share = tf.clip_by_value(left, 0.0, share)
        return self.peak * share

    def get_config(self):
        """Returns the arguments."""
        return {
            "peak": self.peak,
            "warm_up_steps": self.warm_up_steps,
            "total_steps": self.total_steps,
        }
