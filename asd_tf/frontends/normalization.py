"""Normalization of spectrograms clip by clip."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class TemporalMeanNormalization(keras.layers.Layer):
    """Subtracts from features [batch, frames, bins] their mean over the frames.

    This removes the stationary part of a clip. That part differs between domains, and the spectrum
    branch has it as well (Wilkinghoff 2023, Sections 2.1 and 4.2). Computed in float32 under every
    precision policy.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, features):
        """Subtracts the mean."""
        return features - tf.reduce_mean(features, axis=1, keepdims=True)
