"""Windows of consecutive frames: the input of networks that predict or reconstruct frames."""

import keras
import numpy as np
import tensorflow as tf

from asd_tf.arguments import check_counts


@keras.saving.register_keras_serializable(package="asd_tf")
class FrameWindows(keras.layers.Layer):
    """Features [batch, frames, bands] to windows [batch, windows, size, bands].

    Args:
        size: Frames of a window.
        every_frame: False for every window that lies in the clip: windows = frames - size + 1. True
            for one window per frame, with the frame in its middle, or at the ends of a clip the
            nearest window that lies in the clip: windows = frames. See `place_in_window`.

    Raises:
        ValueError: If `size` is not a positive integer, or a clip has fewer frames.
    """

    def __init__(self, size: int = 5, every_frame: bool = False, **kwargs):
        super().__init__(**kwargs)
        check_counts(size=size)
        self.size = size
        self.every_frame = every_frame

    def build(self, input_shape):
        """Checks that a clip has at least one window."""
        if input_shape[1] is None or input_shape[1] < self.size:
            raise ValueError(
                f"frames of a clip must be fixed and at least {self.size} (one window), "
                f"got {input_shape[1]}"
            )
        super().build(input_shape)

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
    """Returns [frames] the first frame of the window of each frame."""
    return np.clip(np.arange(frames) - size // 2, 0, frames - size)


def place_in_window(frames: int, size: int) -> np.ndarray:
    """Returns [frames] the position of each frame in its window: the middle, except at the ends."""
    return np.arange(frames) - window_starts(frames, size)
