"""Microphones: their response, their gain and their own noise."""

import numpy as np

from asd_tf.data.simulation.plant.streams import stream
from asd_tf.data.simulation.signals import Clock, smooth_gain, to_level, to_wave, white_noise

# Root mean square of a microphone's own noise, 12 dB above that of rounding to 16 bits: it is
# the dither of the files.
SELF_NOISE = 4e-5
LOW_CUT_HZ = 60.0


def microphone_response(axes: Clock, seed: int, *name: str | int) -> np.ndarray:
    """Returns the response of a microphone: nearly flat, and falling below 60 Hz."""
    rng = stream(seed, "microphone", *name)
    ripple = sum(
        rng.normal(0, 0.8) * np.cos(2 * np.pi * (axes.octaves / period + rng.uniform()))
        for period in rng.uniform(1.5, 6, 3)
    )
    low = (axes.frequency / np.float32(LOW_CUT_HZ)) ** 2
    return smooth_gain(axes, ripple) * low / (1 + low)


def self_noise(rng: np.random.Generator, axes: Clock) -> np.ndarray:
    """Draws [samples] of a microphone's own noise, white with a rise towards low frequencies."""
    shape = np.sqrt(1 + np.float32(400) / np.maximum(axes.frequency, 20))
    return to_level(to_wave(white_noise(rng, axes) * shape, axes), SELF_NOISE)
