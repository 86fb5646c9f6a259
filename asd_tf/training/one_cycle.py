"""One rise and one fall over a whole training (Smith and Topin, 2019), as PyTorch has it."""

import math

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """From `start` to `peak` and on to `end`, each along half a cosine.

    Of n steps, counted from 0, the one at rise x n - 1 has the peak (if that is no whole number, it
    lies between two), and step n - 1 and those behind it have the end. Where the rise is no longer
    than a step, step 0 has the peak. The first phase can also fall and the second rise, as a
    momentum does.

    Args:
        start: The value of step 0.
        peak: The value at the top.
        end: The value of the last step.
        steps: n, steps in the whole training.
        rise: Share of them in the first phase, above 0 and at most 1.

    Raises:
        ValueError: If there is no step, or `rise` is no such share.
    """

    def __init__(self, start: float, peak: float, end: float, steps: int, rise: float = 0.3):
        super().__init__()
        if steps < 1 or not 0 < rise <= 1:
            raise ValueError(
                f"a rise over {rise} of {steps} steps is none: use a step or more, and a share "
                "above 0 and at most 1"
            )
        self.start = start
        self.peak = peak
        self.end = end
        self.steps = steps
        self.rise = rise

    def __call__(self, step):
        """Returns the value of a step, float32."""
        # In double precision, or the corners would be rounded.
        step = tf.cast(step, tf.float64)
        top = max(self.rise * self.steps - 1, 0)
        fall = self.steps - 1 - top
        # Either phase can be empty; then no step, or none but those behind the last, is in it.
        rising = _half_cosine(self.start, self.peak, step / (top or 1))
        falling = _half_cosine(self.peak, self.end, (step - top) / (fall or 1))
        return tf.cast(tf.where(step < top, rising, falling), tf.float32)

    def get_config(self):
        """Returns the arguments."""
        return {
            "start": self.start,
            "peak": self.peak,
            "end": self.end,
            "steps": self.steps,
            "rise": self.rise,
        }


def one_cycle_rate(
    maximum: float,
    steps: int,
    *,
    rise: float = 0.3,
    initial_divisor: float = 25.0,
    final_divisor: float = 1e4,
) -> OneCycle:
    """Returns the learning rate of PyTorch's OneCycleLR; the defaults are its own.

    Args:
        maximum: Learning rate at the top.
        steps: Steps in the whole training.
        rise: Share of them before the top.
        initial_divisor: The first learning rate is the maximum divided by it.
        final_divisor: The last learning rate is the first one divided by it.

    Raises:
        ValueError: If there is no step, or `rise` is no share.
    """
    first = maximum / initial_divisor
    return OneCycle(first, maximum, first / final_divisor, steps, rise)


def one_cycle_momentum(
    steps: int, *, rise: float = 0.3, lowest: float = 0.85, highest: float = 0.95
) -> OneCycle:
    """Returns the beta_1 that PyTorch's OneCycleLR gives Adam: low where the learning rate is high.

    Args:
        steps: Steps in the whole training.
        rise: Share of them before the lowest value.
        lowest: The value at the top of the learning rate.
        highest: The value at both ends.

    Raises:
        ValueError: If there is no step, or `rise` is no share.
    """
    return OneCycle(highest, lowest, highest, steps, rise)


def _half_cosine(start: float, end: float, share: tf.Tensor) -> tf.Tensor:
    """Returns what lies between two values, `share` (0..1, clipped) of the way."""
    share = tf.clip_by_value(share, 0.0, 1.0)
    return end + (start - end) / 2 * (1 + tf.cos(math.pi * share))
