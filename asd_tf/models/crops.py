"""Networks on crops of a clip: where the crops lie, and all of them in one call."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class OnCrops(keras.layers.Layer):
    """Features [batch, frames, bands] to what a network makes of crops, [batch, crops, D].

    All crops of a batch are one call of the network.

    Args:
        network: Of crops [batch, size, bands] to [batch, D].
        starts: [crops] the first frame of each crop.
    """

    def __init__(self, network: keras.Model, starts: Sequence[int], **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.network = network
        self.starts = [int(start) for start in starts]

    def call(self, features):
        """Crops and calls the network."""
        size, bands = self.network.input_shape[1:3]
        places = np.array(self.starts)[:, np.newaxis] + np.arange(size)
        crops = tf.reshape(tf.gather(features, places, axis=1), [-1, size, bands])
        return tf.reshape(self.network(crops), [-1, len(self.starts), self.network.output_shape[1]])

    def get_config(self):
        """Returns the arguments."""
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network, "starts": self.starts}

    @classmethod
    def from_config(cls, config):
        """Builds the layer and its network."""
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)


def evenly_spaced(frames: int, size: int, crops: int) -> np.ndarray:
    """Returns [crops] starts of crops of `size` frames, the first and the last at the ends.

    One crop alone is the middle one. Where there are fewer places than crops, each is used once.
    """
    last = frames - size
    places = np.linspace(0, last, crops) if crops > 1 else np.array([last / 2])
    return np.unique(np.round(places).astype(int))
