"""From frames to how badly each of them is predicted."""

import keras
import tensorflow as tf

from asd_tf.frontends.windows import FrameWindows, place_in_window


@keras.saving.register_keras_serializable(package="asd_tf")
class PredictionErrors(keras.layers.Layer):
    """Features [batch, frames, bands] to the error [batch, frames, 1] of every frame.

    Each frame is predicted once, from the window in whose middle it stands (at the ends of a clip:
    from the nearest full one); its error is the mean square over the bands. All windows of a batch
    are one call of the network.

    Args:
        network: Of (windows [batch, size, bands], which [batch, size]) to [batch, bands].
    """

    def __init__(self, network: keras.Model, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.network = network
        self.size = network.input_shape[0][1]
        self._windows = FrameWindows(self.size, every_frame=True)

    def call(self, features):
        """Predicts every frame."""
        frames, bands = features.shape[1:]
        windows = tf.reshape(self._windows(features), [-1, self.size, bands])
        which = tf.one_hot(place_in_window(frames, self.size), self.size)
        which = tf.tile(which, [tf.shape(features)[0], 1])
        predicted = tf.reshape(self.network([windows, which]), [-1, frames, bands])
        return tf.reduce_mean(tf.square(predicted - features), axis=-1, keepdims=True)

    def get_config(self):
        """Returns the arguments."""
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network}

    @classmethod
    def from_config(cls, config):
        """Builds the layer and its network."""
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)


@keras.saving.register_keras_serializable(package="asd_tf")
class WindowErrors(keras.layers.Layer):
    """Features [batch, frames, bands] to the error [batch, windows, 1] of every window.

    It is the mean square over all values of a window, or over those of its middle frame, whichever
    the network gives. All windows of a batch are one call of the network.

    Args:
        network: Of windows [batch, size, bands] to windows, or to their middle frames.
    """

    def __init__(self, network: keras.Model, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.network = network
        self.size = network.input_shape[1]
        self._windows = FrameWindows(self.size)

    def call(self, features):
        """Reconstructs or predicts every window."""
        windows = self._windows(features)
        count, bands = windows.shape[1], windows.shape[3]
        windows = tf.reshape(windows, [-1, self.size, bands])
        result = self.network(windows)
        target = windows if len(result.shape) == 3 else windows[:, self.size // 2]
        errors = tf.square(result - target)
        errors = tf.reduce_mean(errors, axis=list(range(1, len(errors.shape))))
        return tf.reshape(errors, [-1, count, 1])

    def get_config(self):
        """Returns the arguments."""
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network}

    @classmethod
    def from_config(cls, config):
        """Builds the layer and its network."""
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)
