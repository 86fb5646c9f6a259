"""The learning rate of the Transformer (Vaswani et al., NeurIPS 2017, Section 5.3)."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class TransformerRate(keras.optimizers.schedules.LearningRateSchedule):
    """A line up from 0, then a fall with the root of the steps.

    With s = 1 for the first step, the rate is factor / sqrt(width) x min(1 / sqrt(s),
    s / warmup_steps^1.5). The highest, factor / sqrt(width x warmup_steps), is that of
    s = warmup_steps.

    Args:
        width: Of the network's blocks.
        warmup_steps: Steps of the line; 8,000 in Kuroyanagi et al. (DCASE 2021, Section 4.1).
        factor: Of all rates.

    Raises:
        ValueError: If an argument is not positive.
    """

    def __init__(self, width: int, warmup_steps: int = 8000, factor: float = 1.0):
        super().__init__()
        if min(width, warmup_steps, factor) <= 0:
            raise ValueError(
                f"a width of {width}, {warmup_steps} steps and a factor of {factor} give no rate: "
                "use positive ones"
            )
        self.width = width
        self.warmup_steps = warmup_steps
        self.factor = factor

    def __call__(self, step):
        """Returns the rate of a step, counted from 0, float32."""
        # In double precision, or the corner would be rounded.
        number = tf.cast(step, tf.float64) + 1
        share = tf.minimum(number / self.warmup_steps, tf.sqrt(self.warmup_steps / number))
        highest = self.factor / (self.width * self.warmup_steps) ** 0.5
        return tf.cast(highest * share, tf.float32)

    def get_config(self):
        """Returns the arguments."""
        return {"width": self.width, "warmup_steps": self.warmup_steps, "factor": self.factor}
