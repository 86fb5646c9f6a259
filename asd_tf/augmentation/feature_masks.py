"""SpecAugment's time and frequency masks (Park et al., Interspeech 2019), and input dropout."""

from collections.abc import Sequence

import tensorflow as tf

from asd_tf.arguments import check_at_least, check_rates


def spec_augment_mask(
    shape: tuple,
    seed: tf.Tensor,
    *,
    time_masks: int = 50,
    time_widths: tuple[int, int] = (1, 5),
    frequency_masks: int = 5,
    frequency_widths: tuple[int, int] = (0, 10),
) -> tf.Tensor:
    """Draws the masks of SpecAugment.

    Masks are drawn separately for each clip. The width of a mask is a uniform integer, both ends
    included; its position is uniform over all positions at which the mask lies completely within
    the features. Masks may overlap. The defaults are those of Kuroyanagi et al. (DCASE 2021,
    Section 4.1). Stateless: equal arguments give equal masks.

    Args:
        shape: (clips, frames, bands) of the features to be masked.
        seed: [2], integer.
        time_masks: Time masks per clip, each over all bands of consecutive frames.
        time_widths: Smallest and largest number of frames of a time mask; a width above the number
            of frames is cut to it.
        frequency_masks: Frequency masks per clip, each over all frames of consecutive bands.
        frequency_widths: Smallest and largest number of bands of a frequency mask, cut likewise.

    Returns:
        [clips, frames, bands] float32: 1 where a value is kept, 0 where it is masked.

    Raises:
        ValueError: If a count is negative, or widths are not an ascending pair from 0 on.
    """
    clips, frames, bands = shape
    seeds = tf.random.experimental.stateless_split(seed, 2)
    time = _uncovered(clips, frames, seeds[0], "time", time_masks, time_widths)
    frequency = _uncovered(clips, bands, seeds[1], "frequency", frequency_masks, frequency_widths)
    return time[:, :, tf.newaxis] * frequency[:, tf.newaxis, :]


def dropout_mask(shape: tuple, seed: tf.Tensor, rate: float = 0.2) -> tf.Tensor:
    """Draws the factors that dropout multiplies features by: 0, or 1 / (1 - rate).

    Args:
        shape: (clips, frames, bands) of the features.
        seed: [2], integer.
        rate: Probability of the factor 0, in [0, 1); 0.2 in Kuroyanagi et al.

    Returns:
        [clips, frames, bands] float32.

    Raises:
        ValueError: If the rate is out of range.
    """
    check_rates(rate=rate)
    draws = tf.random.stateless_uniform(shape, seed)
    return tf.cast(draws >= rate, tf.float32) / (1 - rate)


def _uncovered(clips, size, seed, axis, masks, widths) -> tf.Tensor:
    """Returns [clips, size] float32: 0 where a mask of the clip covers the axis, 1 elsewhere."""
    check_masks(axis, masks, widths)
    lowest, highest = widths
    draws = tf.random.stateless_uniform([2, clips, masks, 1], seed)
    width = tf.minimum(lowest + _whole(draws[0], highest - lowest + 1), size)
    start = _whole(draws[1], size - width + 1)
    index = tf.range(size)
    is_covered = (index >= start) & (index < start + width)
    return tf.cast(~tf.reduce_any(is_covered, axis=1), tf.float32)


def _whole(draws: tf.Tensor, choices) -> tf.Tensor:
    """Turns draws in [0, 1) into integers in 0..choices - 1."""
    return tf.cast(tf.floor(draws * tf.cast(choices, draws.dtype)), tf.int32)


def check_masks(axis: str, masks: int, widths: Sequence[int]) -> None:
    """Checks the masks along an axis.

    Args:
        axis: `time` or `frequency`, for the message.
        masks: Number of masks, at least 0.
        widths: Smallest and largest width, an ascending pair from 0 on.

    Raises:
        ValueError: If a value is out of range.
    """
    check_at_least(0, **{f"{axis}_masks": masks})
    if len(widths) != 2 or not 0 <= widths[0] <= widths[1]:
        raise ValueError(
            f"{axis} widths must be a pair with 0 <= smallest <= largest, got {tuple(widths)}"
        )
