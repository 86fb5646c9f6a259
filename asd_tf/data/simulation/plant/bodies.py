"""Bodies of machines: modes that ring after each push."""

import functools

import numpy as np

from asd_tf.data.simulation.signals import Clock, resonance, smooth_gain

Modes = tuple[tuple[float, float, float], ...]

# Share of a force that is heard without any mode, by which air and panels pass it on.
DIRECT = 0.2


def draw_modes(rng: np.random.Generator, band_hz: tuple[float, float], count: int = 12) -> Modes:
    """Draws the modes of a body: (Hz, quality, gain), evenly over the octaves of a band."""
    low, high = np.log(band_hz)
    # One mode for each equal part of the band: bodies differ, and none is without lows or highs.
    hertz = np.exp(low + (high - low) * (np.arange(count) + rng.uniform(size=count)) / count)
    quality = np.exp(rng.uniform(np.log(6), np.log(40), count))
    gain = rng.lognormal(0, 0.6, count) * np.sqrt(quality / 15) * rng.choice([-1, 1], count)
    return tuple(zip(hertz.tolist(), quality.tolist(), gain.tolist(), strict=True))


@functools.lru_cache(maxsize=24)
def body_response(axes: Clock, modes: Modes) -> np.ndarray:
    """Returns the response of a body to a force, which passes on the power of white noise."""
    response = np.full(len(axes.frequency), DIRECT, np.complex64)
    for hertz, quality, gain in modes:
        # Not from the cache of `resonance`, which so many modes would only empty.
        response += np.float32(gain) * resonance.__wrapped__(axes, hertz, quality)
    response *= smooth_gain(axes, -2.0 * axes.octaves)
    response /= np.sqrt(np.mean(np.abs(response) ** 2))
    response.setflags(write=False)  # it is cached
    return response
