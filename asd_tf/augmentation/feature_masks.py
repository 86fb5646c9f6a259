"""SpecAugment's time and frequency masks (Park et al., Interspeech 2019), and input dropout."""

import tensorflow as tf


def spec_augment_mask(
    shape: tuple,
    seed: tf.Tensor,
    *,
    time_masks: int = 50,
    time_widths: tuple[int, int] = (1, 5),
    frequency_masks: int = 5,
    frequency_widths: tuple[int, int] = (0, 10),
) -> tf.Tensor:
    """Draws which values of features stay: those that no mask covers.

    Each clip has masks of its own: widths are uniform over whole numbers, both ends included, and
    places over all where a mask lies within the features as a whole. Masks may overlap. The
    defaults are those of Kuroyanagi et al. (DCASE 2021, Section 4.1). Stateless: equal arguments
    give equal masks.

    Args:
        shape: (clips, frames, bands), of the features to be masked.
        seed: [2], integer.
        time_masks: Masks over all bands of some frames, in each clip.
        time_widths: Smallest and largest number of frames of a mask; at most all of them are
            covered.
        frequency_masks: Masks over some bands of all frames, in each clip.
        frequency_widths: Smallest and largest number of bands of a mask.

    Returns:
        [clips, frames, bands] float32: 1 where a value stays, 0 where it is masked.

    Raises:
        ValueError: If a count is negative, or widths are no range from 0 on.
    """
    clips, frames, bands = shape
    seeds = tf.random.experimental.stateless_split(seed, 2)
    of_time = _uncovered(clips, frames, seeds[0], "time", time_masks, time_widths)
    of_frequency = _uncovered(
        clips, bands, seeds[1], "frequency", frequency_masks, frequency_widths
    )
    return of_time[:, :, tf.newaxis] * of_frequency[:, tf.newaxis, :]


def spec_augment(features: tf.Tensor, seed: tf.Tensor, value: float = 0.0, **masks) -> tf.Tensor:
    """Masks features clip by clip, see `spec_augment_mask`.

    Args:
        features: [clips, frames, bands], float.
        seed: [2], integer.
        value: What stands where a mask lies: 0 is the mean of standardised levels.
        **masks: Counts and widths of the masks, as `spec_augment_mask` has them.

    Returns:
        The masked features, of the shape and type given.

    Raises:
        ValueError: If a count is negative, or widths are no range from 0 on.
    """
    keep = spec_augment_mask(tuple(tf.unstack(tf.shape(features))), seed, **masks)
    return tf.where(keep > 0, features, tf.cast(value, features.dtype))


def dropout_mask(shape: tuple, seed: tf.Tensor, rate: float = 0.2) -> tf.Tensor:
    """Draws factors of features, as dropout has them: 0, or 1 / (1 - rate).

    Args:
        shape: (clips, frames, bands), of the features to be multiplied.
        seed: [2], integer.
        rate: Share of the values that become 0; Kuroyanagi et al. have 0.2.

    Returns:
        [clips, frames, bands] float32.

    Raises:
        ValueError: If the rate is not from 0 to below 1.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"a rate of {rate} leaves nothing: use one from 0 to below 1")
    draws = tf.random.stateless_uniform(shape, seed)
    return tf.cast(draws >= rate, tf.float32) / (1 - rate)


def _uncovered(clips, size, seed, axis, masks, widths) -> tf.Tensor:
    """Returns [clips, size] float32: 1 where none of a clip's masks along an axis lies."""
    lowest, highest = widths
    if masks < 0 or not 0 <= lowest <= highest:
        raise ValueError(
            f"{masks} {axis} masks of {lowest} to {highest} are none: use a count from 0 on and "
            "widths that rise from 0 or more"
        )
    draws = tf.random.stateless_uniform([2, clips, masks, 1], seed)
    width = tf.minimum(lowest + _whole(draws[0], highest - lowest + 1), size)
    start = _whole(draws[1], size - width + 1)
    index = tf.range(size)
    is_covered = (index >= start) & (index < start + width)
    return tf.cast(~tf.reduce_any(is_covered, axis=1), tf.float32)


def _whole(draws: tf.Tensor, choices) -> tf.Tensor:
    """Turns draws from 0 to below 1 into whole numbers from 0 to below `choices`."""
    return tf.cast(tf.floor(draws * tf.cast(choices, draws.dtype)), tf.int32)
