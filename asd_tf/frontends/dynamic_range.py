"""A lower bound of log-mel energies that follows the loudest value of a clip."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_positive


@keras.saving.register_keras_serializable(package="asd_tf")
class DynamicRange(keras.layers.Layer):
    """Raises log-mels [batch, frames, bands] in dB to at least the clip's maximum minus a range.

    torchaudio takes the maximum over the whole batch if that has no channels; here it is taken per
    clip, so that a clip's score does not depend on the other clips of its batch.

    Args:
        decibels: The range, greater than 0.

    Raises:
        ValueError: If it is not.
    """

    def __init__(self, decibels: float, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_positive(decibels=decibels)
        self.decibels = decibels

    def call(self, log_mel_db):
        """Raises low values."""
        maximum = tf.reduce_max(log_mel_db, axis=[1, 2], keepdims=True)
        return tf.maximum(log_mel_db, maximum - self.decibels)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "decibels": self.decibels}
