"""Windows of consecutive frames, as networks see them that predict or reconstruct frames."""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class FrameWindows(keras.layers.Layer):
    """Features [batch, frames, bands] to windows [batch, windows, size, bands].

    Args:
        size: Frames of a window.
        every_frame: False for each window once: windows = frames - size + 1. True for one window a
            frame, in whose middle the frame stands, or which is the nearest full one to it at the
            ends of a clip: windows = frames. See `place_in_window`.
    """

    def __init__(self, size: int = 5, every_frame: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.every_frame = every_frame

    def call(self, features):
        """Gathers the windows."""
        frames = features.shape[1]
        starts = np.arange(frames - self.size + 1)
        if self.every_frame:
            starts = window_starts(frames, self.size)
        return tf.gather(features, starts[:, np.newaxis] + np.arange(self.size), axis=1)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "size": self.size, "every_frame": self.every_frame}


def window_starts(frames: int, size: int) -> np.ndarray:
    """Returns [frames] where the window of each frame begins."""
    return np.clip(np.arange(frames) - size // 2, 0, frames - size)


def place_in_window(frames: int, size: int) -> np.ndarray:
    """Returns [frames] the place of each frame in its window: the middle, but for the ends."""
    return np.arange(frames) - window_starts(frames, size)
