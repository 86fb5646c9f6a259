"""SpecAugment (Park et al., Interspeech 2019): blocks of time and of frequency are masked."""

from collections.abc import Sequence

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class SpecAugment(keras.layers.Layer):
    """Sets blocks of frames and of bands to zero, in training only; without time warping.

    Called with [features [batch, frames, bands], seed [2] of the step], of which the masks are a
    pure function, drawn for each clip apart.

    Args:
        time_masks: Masks of a clip in time; they may overlap.
        time_width: Least and most frames of a mask, drawn alike, ends included.
        frequency_masks: Masks of a clip in frequency.
        frequency_width: Least and most bands of a mask.
        probability: That a clip is masked at all.

    Raises:
        ValueError: If a number is out of range.
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
        for count, (least, most) in (
            (time_masks, time_width),
            (frequency_masks, frequency_width),
        ):
            if count < 0 or not 0 <= least <= most:
                raise ValueError(f"{count} masks of {least} to {most} cannot be drawn")
        if not 0 <= probability <= 1:
            raise ValueError(f"a probability of {probability} is not in 0..1")
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
        """Draws what stays of features: 1 or 0 of each value, [batch, frames, bands]."""
        batch, frames, bands = tf.unstack(tf.shape(features))
        of_time, of_bands, of_clip = (
            tf.random.experimental.stateless_fold_in(tf.ensure_shape(seed, [2]), part)
            for part in range(3)
        )
        masked = tf.logical_or(
            masked_blocks(batch, frames, self.time_masks, self.time_width, of_time)[
                ..., tf.newaxis
            ],
            masked_blocks(batch, bands, self.frequency_masks, self.frequency_width, of_bands)[
                :, tf.newaxis
            ],
        )
        chosen = tf.random.stateless_uniform([batch, 1, 1], of_clip) < self.probability
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
    """Draws blocks of places, of a random width each, that lie wholly within the length.

    Blocks wider than half the length are cut to that: nothing can be learned of a clip that is
    masked wholly, and through norms of zeros its gradients are beyond all bounds.

    Args:
        batch: Number of clips.
        length: Places of each.
        masks: Blocks of each clip.
        width: Least and most places of a block.
        seed: [2].

    Returns:
        Boolean [batch, length], true where a block lies.
    """
    of_width, of_start = (tf.random.experimental.stateless_fold_in(seed, part) for part in (0, 1))
    least, most = width
    widths = tf.random.stateless_uniform([batch, masks, 1], of_width, least, most + 1, tf.int32)
    widths = tf.minimum(widths, length // 2)
    share = tf.random.stateless_uniform([batch, masks, 1], of_start)
    starts = tf.cast(share * tf.cast(length - widths + 1, tf.float32), tf.int32)
    places = tf.range(length)
    blocks = (places >= starts) & (places < starts + widths)
    return tf.reduce_any(blocks, axis=1)
