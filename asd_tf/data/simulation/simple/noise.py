"""The noise of the factory around a simulated machine, and the response of its room."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.signals import (
    LOWEST_HZ,
    Clock,
    cosine,
    slow_wave,
    smooth_gain,
    to_level,
    to_wave,
    white_noise,
)


@dataclasses.dataclass(frozen=True)
class Factory:
    """The noise of one hall; each clip is another realization of it.

    Attributes:
        slope_db: Mean fall of the spectrum in decibels per octave.
        bumps_hz: Range of the centers of its broad maxima in Hz.
        clanks: Mean number of metallic strokes per second.
        snr_db: Decibels that it adds to the signal-to-noise ratio of the options.
    """

    slope_db: float
    bumps_hz: tuple[float, float]
    clanks: float
    snr_db: float


# By domain: the target domain's hall is louder, darker and busier.
FACTORIES = {
    "source": Factory(slope_db=3.5, bumps_hz=(300, 5000), clanks=1.0, snr_db=0.0),
    "target": Factory(slope_db=4.5, bumps_hz=(150, 3000), clanks=2.0, snr_db=-2.0),
}


def factory_noise(
    rng: np.random.Generator, axes: Clock, factory: Factory, color_db: np.ndarray
) -> np.ndarray:
    """Draws [samples] of noise at the microphone.

    Stationary noise of a random spectrum with a slowly varying level, metallic strokes, and the hum
    of a few other machines.

    Args:
        rng: The random generator.
        axes: The clock.
        factory: The hall.
        color_db: The response that `room_color` drew.
    """
    shape = smooth_gain(axes, color_db + _noise_level(rng, axes, factory))
    wave = to_wave(white_noise(rng, axes) * shape, axes)
    swell = sum(
        rng.normal(0, 0.15) * slow_wave(rng, axes, hertz) for hertz in rng.uniform(0.2, 3, 3)
    )
    wave = to_level(wave * np.exp(swell, dtype=np.float32))
    return wave + _clanks(rng, axes, factory) + _hum(rng, axes)


def _noise_level(rng, axes, factory):
    """Draws the spectrum of stationary noise in decibels at the coarse frequencies."""
    level = -(factory.slope_db + rng.normal(0, 1.0)) * axes.octaves
    low, high = np.log2(np.array(factory.bumps_hz) / LOWEST_HZ)
    for _ in range(8):
        center, width = rng.uniform(low, high), rng.uniform(0.1, 0.5)
        level += rng.normal(1, 5) * np.exp(-0.5 * ((axes.octaves - center) / width) ** 2)
    return level


def _clanks(rng, axes, factory):
    """Draws metallic strokes, each with two modes of its own."""
    wave = np.zeros(axes.samples, np.float32)
    for start in rng.integers(0, axes.samples, rng.poisson(factory.clanks * axes.time[-1])):
        time = axes.time[: min(2400, axes.samples - start)]
        for hertz in rng.uniform(400, 5000, 2):
            ring = np.sin(2 * np.pi * hertz * time) * np.exp(-time * rng.uniform(25, 80))
            wave[start : start + len(time)] += np.float32(rng.lognormal(0.0, 0.6)) * ring
    return wave


def _hum(rng, axes):
    """Draws up to three steady tones of machines far away."""
    tones = np.zeros(axes.samples, np.float32)
    for hertz in np.exp(rng.uniform(np.log(80), np.log(2500), rng.integers(0, 4))):
        tones += np.float32(rng.lognormal(-2.5, 0.5)) * cosine(hertz * axes.time + rng.uniform())
    return tones


def room_color(rng: np.random.Generator, axes: Clock, spread_db: float = 2.0) -> np.ndarray:
    """Draws the smooth response of a place in the room and of the microphone.

    Returns:
        Decibels at the clock's coarse frequencies, see `smooth_gain`.
    """
    return sum(
        rng.normal(0, spread_db) * np.cos(2 * np.pi * (axes.octaves / period + rng.uniform()))
        for period in rng.uniform(1.5, 6, 4)
    )
