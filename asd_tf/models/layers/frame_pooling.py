"""Pooling over the frames of a clip without anything trained."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_at_least

# Below this mean distance all frames count as equal, and weigh the same.
_EQUAL = 1e-12


@keras.saving.register_keras_serializable(package="asd_tf")
class DeviationPooling(keras.layers.Layer):
    """Frames [batch, frames, width] to one vector a clip [batch, width].

    A generalized mean in which frames may weigh by how far they deviate from the clip's mean
    frame. With e the distance of a frame from the mean frame, divided by the mean of these
    distances, its weight is e^gamma, divided by the sum of all weights; the result is the weighted
    mean of x^power, to 1 / power, where powers keep the sign of x.

    gamma 0 and power 1 are the mean, gamma 0 the generalized mean (GeM), power 1 relative deviation
    pooling (RDP), and both together its hybrid with GeM (Wilkinghoff et al., arXiv 2603.04605).
    Computed in float32 under every precision policy.

    Args:
        gamma: Exponent of the relative deviation, at least 0.
        power: Exponent of the values, at least 1.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, gamma: float = 0.0, power: float = 1.0, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_at_least(0, gamma=gamma)
        check_at_least(1, power=power)
        self.gamma = gamma
        self.power = power

    def call(self, frames):
        """Computes the weighted generalized mean."""
        if self.gamma == 0 and self.power == 1:
            return tf.reduce_mean(frames, axis=1)
        values = _signed_power(frames, self.power)
        if self.gamma == 0:
            return _signed_power(tf.reduce_mean(values, axis=1), 1 / self.power)
        pooled = tf.reduce_sum(self._weights(frames) * values, axis=1)
        return _signed_power(pooled, 1 / self.power)

    def _weights(self, frames):
        """Returns [batch, frames, 1] weights whose sum over the frames is 1."""
        mean = tf.reduce_mean(frames, axis=1, keepdims=True)
        distances = tf.norm(frames - mean, axis=-1, keepdims=True)
        scale = tf.reduce_mean(distances, axis=1, keepdims=True)
        relative = tf.where(scale > _EQUAL, tf.math.divide_no_nan(distances, scale), 1.0)
        weights = relative**self.gamma
        return weights / tf.reduce_sum(weights, axis=1, keepdims=True)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "gamma": self.gamma, "power": self.power}


def _signed_power(values, power: float):
    if power == 1:
        return values
    return tf.sign(values) * tf.abs(values) ** power
