"""Gaussian noise and changes of volume (Kuroyanagi et al., DCASE 2021, Section 3.2)."""

import math

import tensorflow as tf

from asd_tf.arguments import check_probabilities


def add_gaussian_noise(
    waveform: tf.Tensor,
    seed: tf.Tensor,
    snr_db: tuple[float, float] = (5.0, 20.0),
    probability: float = 1.0,
) -> tf.Tensor:
    """Adds white Gaussian noise to clips, at a random signal-to-noise ratio for each clip.

    The ratio is that of the mean squares over the clip; a silent clip stays silent. The paper says
    no more than "Gaussian Noise". Stateless: equal arguments give equal results.

    Args:
        waveform: [batch, N], float.
        seed: [2], integer.
        snr_db: Smallest and largest ratio, in dB; uniform between them.
        probability: Probability that a clip is changed, in [0, 1]; drawn for each clip.

    Returns:
        The noisy waveforms [batch, N].

    Raises:
        ValueError: If `probability` is out of range, or the pair is not ascending.
    """
    seeds = tf.random.experimental.stateless_split(seed, 2)
    ratio, is_chosen = _drawn(waveform, seeds[0], "snr_db", snr_db, probability)
    power = tf.reduce_mean(tf.square(waveform), axis=1, keepdims=True)
    std = tf.sqrt(power) / _amplitude(ratio)
    noise = tf.random.stateless_normal(tf.shape(waveform), seeds[1], dtype=waveform.dtype)
    return waveform + tf.where(is_chosen, std, 0) * noise


def change_volume(
    waveform: tf.Tensor,
    seed: tf.Tensor,
    gain_db: tuple[float, float] = (-10.0, 10.0),
    probability: float = 1.0,
) -> tf.Tensor:
    """Amplifies clips by a random gain for each clip; values beyond -1 and 1 are not clipped.

    The paper says no more than "Volume control". Stateless: equal arguments give equal results.

    Args:
        waveform: [batch, N], float.
        seed: [2], integer.
        gain_db: Smallest and largest gain, in dB; uniform between them.
        probability: Probability that a clip is changed, in [0, 1]; drawn for each clip.

    Returns:
        The amplified waveforms [batch, N].

    Raises:
        ValueError: If `probability` is out of range, or the pair is not ascending.
    """
    gain, is_chosen = _drawn(waveform, seed, "gain_db", gain_db, probability)
    return waveform * tf.where(is_chosen, _amplitude(gain), 1)


def _drawn(waveform, seed, name, decibels, probability) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns random decibels [batch, 1] and whether the clip is changed [batch, 1]."""
    lowest, highest = decibels
    check_probabilities(probability=probability)
    if not lowest <= highest:
        raise ValueError(f"{name} must be a pair with smallest <= largest, got {(lowest, highest)}")
    shape = [2, tf.shape(waveform)[0], 1]
    draws = tf.random.stateless_uniform(shape, seed, dtype=waveform.dtype)
    return lowest + (highest - lowest) * draws[0], draws[1] < probability


def _amplitude(decibels: tf.Tensor) -> tf.Tensor:
    """Returns the amplitude factor of a gain in decibels."""
    return tf.exp(decibels * (math.log(10) / 20))
