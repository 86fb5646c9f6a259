"""SpecAugment (Park et al., Interspeech 2019) as a layer: masks in time and in frequency."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from asd_tf.arguments import check_probabilities
from asd_tf.augmentation.feature_masks import check_masks


@keras.saving.register_keras_serializable(package="asd_tf")
class SpecAugment(keras.layers.Layer):
    """Sets blocks of frames and of bands to zero, in training only; without time warping.

    Called with [features [batch, frames, bands], seed [2] of the step]. The masks are a pure
    function of the seed and are drawn separately for each clip.

    Args:
        time_masks: Time masks per clip; they may overlap.
        time_width: Smallest and largest number of frames of a time mask; uniform, ends included.
        frequency_masks: Frequency masks per clip.
        frequency_width: Smallest and largest number of bands of a frequency mask.
        probability: Probability that a clip is masked, in [0, 1].

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        time_masks: int,
        time_width: Sequence[int],
        frequency_masks: int,
        frequency_width: Sequence[int],
        probability: float = 1.0,
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_masks("time", time_masks, time_width)
        check_masks("frequency", frequency_masks, frequency_width)
        check_probabilities(probability=probability)
        self.time_masks = time_masks
        self.time_width = tuple(time_width)
        self.frequency_masks = frequency_masks
        self.frequency_width = tuple(frequency_width)
        self.probability = probability

    def call(self, inputs, training=None):
        """Masks."""
        features, seed = inputs
        return features * self.kept(features, seed) if training else features

    def kept(self, features: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws [batch, frames, bands]: 1 where a value is kept, 0 where it is masked."""
        batch, frames, bands = tf.unstack(tf.shape(features))
        time_seed, band_seed, clip_seed = (
            tf.random.experimental.stateless_fold_in(tf.ensure_shape(seed, [2]), part)
            for part in range(3)
        )
        masked = tf.logical_or(
            masked_blocks(batch, frames, self.time_masks, self.time_width, time_seed)[
                ..., tf.newaxis
            ],
            masked_blocks(batch, bands, self.frequency_masks, self.frequency_width, band_seed)[
                :, tf.newaxis
            ],
        )
        chosen = tf.random.stateless_uniform([batch, 1, 1], clip_seed) < self.probability
        return 1 - tf.cast(tf.logical_and(masked, chosen), features.dtype)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "time_masks": self.time_masks,
            "time_width": self.time_width,
            "frequency_masks": self.frequency_masks,
            "frequency_width": self.frequency_width,
            "probability": self.probability,
        }


def masked_blocks(
    batch: tf.Tensor, length: tf.Tensor, masks: int, width: tuple[int, int], seed: tf.Tensor
) -> tf.Tensor:
    """Draws blocks of random width and position that lie completely within an axis.

    A block wider than half the axis is cut to half of it: a clip that is masked completely teaches
    nothing, and its gradients through the norms of a vector of zeros are not bounded.

    Args:
        batch: Number of clips.
        length: Length of the axis.
        masks: Blocks per clip.
        width: Smallest and largest width of a block.
        seed: [2], integer.

    Returns:
        Boolean [batch, length], true where a block covers the axis.
    """
    width_seed, start_seed = (
        tf.random.experimental.stateless_fold_in(seed, part) for part in (0, 1)
    )
    smallest, largest = width
    widths = tf.random.stateless_uniform(
        [batch, masks, 1], width_seed, smallest, largest + 1, tf.int32
    )
    widths = tf.minimum(widths, length // 2)
    share = tf.random.stateless_uniform([batch, masks, 1], start_seed)
    starts = tf.cast(share * tf.cast(length - widths + 1, tf.float32), tf.int32)
    index = tf.range(length)
    blocks = (index >= starts) & (index < starts + widths)
    return tf.reduce_any(blocks, axis=1)
