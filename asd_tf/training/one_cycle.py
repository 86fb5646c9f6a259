"""The one-cycle schedule (Smith and Topin, 2019) in the form of PyTorch's OneCycleLR."""

import math

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts


@keras.saving.register_keras_serializable(package="asd_tf")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule from `start` to `peak` and then to `end`, each phase along half a cosine.

    With n steps, counted from 0, the peak is at step rise x n - 1, which may lie between two steps;
    step n - 1 and all later ones have the value `end`. If the first phase is not longer than one
    step, step 0 has the peak. The first phase can also fall and the second rise, as for momentum.

    Args:
        start: Value at step 0.
        peak: Value at the peak.
        end: Value at the last step.
        steps: n, number of steps of the whole training.
        rise: Share of the steps in the first phase, in (0, 1].

    Raises:
        ValueError: If `steps` or `rise` is out of range.
    """

    def __init__(self, start: float, peak: float, end: float, steps: int, rise: float = 0.3):
        super().__init__()
        check_counts(steps=steps)
        if not 0 < rise <= 1:
            raise ValueError(f"rise must be in (0, 1], got {rise}")
        self.start = start
        self.peak = peak
        self.end = end
        self.steps = steps
        self.rise = rise

    def __call__(self, step):
        """Returns the value of a step, float32."""
        # In double precision, because float32 would round the corners.
        step = tf.cast(step, tf.float64)
        top = max(self.rise * self.steps - 1, 0)
        fall = self.steps - 1 - top
        # A phase can be empty; its length is then 1 to avoid a division by 0, and is not used.
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
        maximum: Learning rate at the peak.
        steps: Number of steps of the whole training.
        rise: Share of the steps before the peak, in (0, 1].
        initial_divisor: The first learning rate is the maximum divided by this.
        final_divisor: The last learning rate is the first learning rate divided by this.

    Raises:
        ValueError: If `steps` or `rise` is out of range.
    """
    first = maximum / initial_divisor
    return OneCycle(first, maximum, first / final_divisor, steps, rise)


def one_cycle_momentum(
    steps: int, *, rise: float = 0.3, lowest: float = 0.85, highest: float = 0.95
) -> OneCycle:
    """Returns the beta_1 that PyTorch's OneCycleLR gives Adam: low where the learning rate is high.

    Args:
        steps: Number of steps of the whole training.
        rise: Share of the steps before the lowest value, in (0, 1].
        lowest: Value where the learning rate has its peak.
        highest: Value at both ends.

    Raises:
        ValueError: If `steps` or `rise` is out of range.
    """
    return OneCycle(highest, lowest, highest, steps, rise)


def _half_cosine(start: float, end: float, share: tf.Tensor) -> tf.Tensor:
    """Returns the value on half a cosine from `start` to `end`; `share` is clipped to [0, 1]."""
    share = tf.clip_by_value(share, 0.0, 1.0)
    return end + (start - end) / 2 * (1 + tf.cos(math.pi * share))
