"""Gaussian noise and other volumes (Kuroyanagi et al., DCASE 2021, Section 3.2)."""

import math

import tensorflow as tf


def add_gaussian_noise(
    waveform: tf.Tensor,
    seed: tf.Tensor,
    snr_db: tuple[float, float] = (5.0, 20.0),
    probability: float = 1.0,
) -> tf.Tensor:
    """Adds white noise to clips, at a signal-to-noise ratio that is drawn for each of them.

    The ratio is that of mean squares over the clip; a silent clip stays silent. The paper says no
    more than "Gaussian Noise". Stateless: equal arguments give equal results.

    Args:
        waveform: [batch, N], float.
        seed: [2], integer.
        snr_db: Smallest and largest ratio, in dB; uniform between.
        probability: Of a clip to be changed at all; drawn for each clip.

    Returns:
        The noisy waveforms [batch, N].

    Raises:
        ValueError: If `probability` is not in 0..1, or the range falls.
    """
    seeds = tf.random.experimental.stateless_split(seed, 2)
    ratio, is_chosen = _drawn(waveform, seeds[0], "snr_db", snr_db, probability)
    power = tf.reduce_mean(tf.square(waveform), axis=1, keepdims=True)
    sd = tf.sqrt(power) / _amplitude(ratio)
    noise = tf.random.stateless_normal(tf.shape(waveform), seeds[1], dtype=waveform.dtype)
    return waveform + tf.where(is_chosen, sd, 0) * noise


def change_volume(
    waveform: tf.Tensor,
    seed: tf.Tensor,
    gain_db: tuple[float, float] = (-10.0, 10.0),
    probability: float = 1.0,
) -> tf.Tensor:
    """Amplifies clips by a gain that is drawn for each of them; nothing is cut off at -1 and 1.

    The paper says no more than "Volume control". Stateless: equal arguments give equal results.

    Args:
        waveform: [batch, N], float.
        seed: [2], integer.
        gain_db: Smallest and largest gain, in dB; uniform between.
        probability: Of a clip to be changed at all; drawn for each clip.

    Returns:
        The waveforms [batch, N] at other volumes.

    Raises:
        ValueError: If `probability` is not in 0..1, or the range falls.
    """
    gain, is_chosen = _drawn(waveform, seed, "gain_db", gain_db, probability)
    return waveform * tf.where(is_chosen, _amplitude(gain), 1)


def _drawn(waveform, seed, name, decibels, probability) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns for each clip [batch, 1] a number of decibels, and whether it is changed."""
    lowest, highest = decibels
    if not 0 <= probability <= 1:
        raise ValueError(f"probability {probability} is not one: use a value from 0 to 1")
    if lowest > highest:
        raise ValueError(f"{name} from {lowest} to {highest} falls: use the smaller one first")
    shape = [2, tf.shape(waveform)[0], 1]
    draws = tf.random.stateless_uniform(shape, seed, dtype=waveform.dtype)
    return lowest + (highest - lowest) * draws[0], draws[1] < probability


def _amplitude(decibels: tf.Tensor) -> tf.Tensor:
    """Returns the factor of amplitudes that is a gain in decibels."""
    return tf.exp(decibels * (math.log(10) / 20))
