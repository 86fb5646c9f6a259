"""Networks on crops of a clip: positions of the crops, and one call for all of them."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from asd_tf.arguments import check_counts
from asd_tf.models.layers.wrapper import Wrapper


@keras.saving.register_keras_serializable(package="asd_tf")
class ApplyToCrops(Wrapper):
    """Applies a network to crops: features [batch, frames, bands] to [batch, crops, D].

    The network is called once for all crops of a batch.

    Args:
        network: Model from crops [batch, size, bands] to [batch, D].
        starts: [crops] the first frame of each crop, from 0.

    Raises:
        ValueError: If there is no crop, or a crop does not lie within the features.
    """

    def __init__(self, network: keras.Model, starts: Sequence[int], **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.network = network
        self.starts = [int(start) for start in starts]
        if not self.starts or min(self.starts) < 0:
            raise ValueError(f"starts must be one or more frames from 0 on, got {self.starts}")

    def build(self, input_shape):
        """Checks that the crops lie within the features."""
        last = input_shape[1] - self.network.input_shape[1]
        if max(self.starts) > last:
            raise ValueError(f"starts must be in [0, {last}], got {list(self.starts)}")
        super().build(input_shape)

    def call(self, features):
        """Crops and calls the network."""
        size, bands = self.network.input_shape[1:3]
        indices = np.array(self.starts)[:, np.newaxis] + np.arange(size)
        crops = tf.reshape(tf.gather(features, indices, axis=1), [-1, size, bands])
        return tf.reshape(self.network(crops), [-1, len(self.starts), self.network.output.shape[1]])

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "starts": self.starts}


def evenly_spaced(frames: int, size: int, crops: int) -> np.ndarray:
    """Returns the starts of evenly spaced crops.

    Args:
        frames: Frames of a clip.
        size: Frames of a crop, at most `frames`.
        crops: Number of crops. A single crop lies in the middle; of several, the first starts where
            the clip starts and the last ends where it ends.

    Returns:
        [n] first frame of each crop, ascending; n is smaller than `crops` if there are fewer
        positions.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_counts(size=size, crops=crops)
    if size > frames:
        raise ValueError(f"size must be at most {frames}, the frames of a clip, got {size}")
    last = frames - size
    starts = np.linspace(0, last, crops) if crops > 1 else np.array([last / 2])
    return np.unique(np.round(starts).astype(int))
