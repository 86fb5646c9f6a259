"""Prediction and reconstruction errors of frames and of windows."""

import keras
import tensorflow as tf

from asd_tf.frontends.windows import FrameWindows, place_in_window
from asd_tf.models.layers.wrapper import Wrapper


@keras.saving.register_keras_serializable(package="asd_tf")
class PredictionErrors(Wrapper):
    """Features [batch, frames, bands] to the error [batch, frames, 1] of every frame.

    Each frame is predicted once, from the window that has it in its middle, or at the ends of a
    clip from the nearest full window. Its error is the mean square over the bands. The network is
    called once for all windows of a batch.

    Args:
        network: Model from (windows [batch, size, bands], one-hot position [batch, size]) to the
            frame [batch, bands] at the position.
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
        position = tf.one_hot(place_in_window(frames, self.size), self.size)
        position = tf.tile(position, [tf.shape(features)[0], 1])
        predicted = tf.reshape(self.network([windows, position]), [-1, frames, bands])
        return tf.reduce_mean(tf.square(predicted - features), axis=-1, keepdims=True)


@keras.saving.register_keras_serializable(package="asd_tf")
class WindowErrors(Wrapper):
    """Features [batch, frames, bands] to the error [batch, windows, 1] of every window.

    The error is the mean square over all values of a window, or over its middle frame if the
    network predicts only that. The network is called once for all windows of a batch.

    Args:
        network: Model from windows [batch, size, bands] to windows of that shape, or to their
            middle frames [batch, bands].
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
