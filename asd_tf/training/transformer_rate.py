"""The learning rate of the Transformer (Vaswani et al., NeurIPS 2017, Section 5.3)."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_positive


@keras.saving.register_keras_serializable(package="asd_tf")
class TransformerRate(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up, then a decay with the inverse square root of the steps.

    With s = 1 for the first step, the rate is factor / sqrt(width) x min(1 / sqrt(s),
    s / warmup_steps^1.5). The maximum, factor / sqrt(width x warmup_steps), is reached at
    s = warmup_steps.

    Args:
        width: Width of the network's blocks.
        warmup_steps: Steps of the warm-up; 8,000 in Kuroyanagi et al. (DCASE 2021, Section 4.1).
        factor: Factor of all rates.

    Raises:
        ValueError: If an argument is not greater than 0.
    """

    def __init__(self, width: int, warmup_steps: int = 8000, factor: float = 1.0):
        super().__init__()
        check_positive(width=width, warmup_steps=warmup_steps, factor=factor)
        self.width = width
        self.warmup_steps = warmup_steps
        self.factor = factor

    def __call__(self, step):
        """Returns the rate of a step, counted from 0, float32."""
        # In double precision, because float32 would round the corner.
        number = tf.cast(step, tf.float64) + 1
        share = tf.minimum(number / self.warmup_steps, tf.sqrt(self.warmup_steps / number))
        highest = self.factor / (self.width * self.warmup_steps) ** 0.5
        return tf.cast(highest * share, tf.float32)

    def get_config(self):
        """Returns the arguments."""
        return {"width": self.width, "warmup_steps": self.warmup_steps, "factor": self.factor}
