"""Statistics of a clip."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class TimeStatistics(keras.layers.Layer):
    """Features [batch, frames, bins] to [batch, 2 x bins]: means, then standard deviations.

    The standard deviation over the frames is that of the population: the sum of squares is divided
    by the number of frames. Computed in float32 under every precision policy.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, features):
        """Computes mean and standard deviation over time."""
        return tf.concat(
            [tf.reduce_mean(features, axis=1), tf.math.reduce_std(features, axis=1)], axis=-1
        )


@keras.saving.register_keras_serializable(package="asd_tf")
class RootMeanSquare(keras.layers.Layer):
    """Waveform [batch, N] to its root mean square [batch, 1]; 1 is a full-scale square wave.

    Computed in float32 under every precision policy.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, waveform):
        """Computes the root mean square."""
        return tf.sqrt(tf.reduce_mean(tf.square(waveform), axis=-1, keepdims=True))
