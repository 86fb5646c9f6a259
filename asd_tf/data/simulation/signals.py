"""The components of the sounds of simulated machines: rotation, impacts, resonances."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
from scipy import fft

SAMPLE_RATE = 16000
# Sound before the clip begins, so that resonances have settled when it does.
LEAD_IN = 800
# Samples of one turn in a wave table; orders are far below half of it.
TABLE = 4096
# Frequencies at which smooth spectra are drawn before they are interpolated.
LOWEST_HZ, OCTAVES, COARSE = 40.0, 7.7, 128


@dataclasses.dataclass(frozen=True, eq=False)
class Clock:
    """The time and frequency axes of a clip with its lead-in.

    Attributes:
        samples: Length with the lead-in, at which the Fourier transform is fast.
        time: [samples] seconds.
        frequency: [samples // 2 + 1] Hz.
        octaves: [COARSE] octaves above LOWEST_HZ, at which smooth spectra are drawn.
        place: [samples // 2 + 1] position of each frequency among them.
    """

    samples: int
    time: np.ndarray
    frequency: np.ndarray
    octaves: np.ndarray
    place: np.ndarray


@functools.lru_cache(maxsize=4)
def clock(samples: int, lead_in: int = LEAD_IN) -> Clock:
    """Returns the axes of clips of `samples` samples, with at least `lead_in` samples before."""
    length = fft.next_fast_len(samples + lead_in, real=True)
    frequency = np.fft.rfftfreq(length, 1 / SAMPLE_RATE).astype(np.float32)
    octaves = np.linspace(0, OCTAVES, COARSE)
    place = np.log2(np.maximum(frequency, LOWEST_HZ) / LOWEST_HZ) / OCTAVES * (COARSE - 1)
    return Clock(length, np.arange(length) / SAMPLE_RATE, frequency, octaves, place)


def to_spectrum(wave: np.ndarray) -> np.ndarray:
    """Transforms a wave of the clock's length to its complex spectrum."""
    return fft.rfft(wave.astype(np.float32, copy=False))


def to_wave(spectrum: np.ndarray, axes: Clock) -> np.ndarray:
    """Transforms a complex spectrum back to a wave of the clock's length."""
    return fft.irfft(spectrum.astype(np.complex64, copy=False), axes.samples)


def to_level(wave: np.ndarray, rms: float = 1.0) -> np.ndarray:
    """Scales a wave to a root mean square; silence stays silence."""
    power = np.dot(wave, wave) / len(wave)
    return wave * np.float32(rms / max(np.sqrt(power), 1e-12))


def smooth_gain(axes: Clock, level_db: np.ndarray) -> np.ndarray:
    """Interpolates a level in decibels at `axes.octaves` to a factor for each frequency."""
    factor = (10 ** (np.append(level_db, level_db[-1]) / 20)).astype(np.float32)
    below = axes.place.astype(np.int32)
    return factor[below] + (axes.place - below) * (factor[below + 1] - factor[below])


def white_noise(rng: np.random.Generator, axes: Clock) -> np.ndarray:
    """Draws the spectrum of white noise of unit variance."""
    parts = rng.standard_normal(2 * len(axes.frequency), dtype=np.float32)
    parts *= np.float32(np.sqrt(axes.samples / 2))
    return parts.view(np.complex64)


def cosine(turns: np.ndarray) -> np.ndarray:
    """Returns the cosine of an angle given in turns, as float32."""
    return np.cos(_fraction(turns).astype(np.float32) * np.float32(2 * np.pi))


def _fraction(turns):
    """Returns `turns % 1`, several times as fast."""
    return turns - np.floor(turns)


def slow_wave(rng: np.random.Generator, axes: Clock, hertz: float) -> np.ndarray:
    """Draws a slow sine between -1 and 1 of random phase."""
    angle = axes.time.astype(np.float32) * np.float32(2 * np.pi * hertz)
    return np.sin(angle + np.float32(rng.uniform(0, 2 * np.pi)))


def revolutions(
    rng: np.random.Generator, axes: Clock, rate: float, wander: float = 3e-4
) -> np.ndarray:
    """Draws the [samples] revolutions of a shaft that turns at a nearly constant rate.

    Args:
        rng: The random generator of the first angle and the variation of the rate.
        axes: The clock.
        rate: Mean revolutions per second.
        wander: Relative deviation of the rate from its mean; it changes within about a second.
    """
    turns = rate * axes.time + rng.uniform()
    for hertz in rng.uniform(0.3, 1.5, 2):
        turns += swing(rng, axes, rng.normal() * wander * rate, hertz)
    return turns


def swing(rng: np.random.Generator, axes: Clock, depth: float, hertz: float) -> np.ndarray:
    """Returns the revolutions by which a shaft leads when its rate swings by `depth` at `hertz`."""
    return np.float32(depth / (2 * np.pi * hertz)) * slow_wave(rng, axes, hertz)


def harmonics(
    rng: np.random.Generator, count: int, decay: float, signature: int, spread: float = 0.5
) -> np.ndarray:
    """Draws the complex amplitudes of harmonics 1 to `count`.

    Their pattern is that of the unit, drawn with the seed `signature`. In each recording, each line
    is louder or softer at random, as by interference in a room. They fall as order ** -decay.
    """
    own = np.random.default_rng(signature)
    level = np.exp(own.normal(0, 0.5, count) + rng.normal(0, spread, count))
    return level * np.arange(1, count + 1) ** -decay * np.exp(2j * np.pi * own.uniform(size=count))


def order_wave(turns: np.ndarray, orders: Mapping[int, complex], rate: float) -> np.ndarray:
    """Computes the harmonics of a shaft, which repeat with each turn.

    Args:
        turns: [samples] revolutions.
        orders: Multiple of the shaft's rate to its complex amplitude.
        rate: Rate of the shaft in Hz; orders that would alias are left out.

    Returns:
        [samples] wave, float32.
    """
    highest = min(0.47 * SAMPLE_RATE / rate, TABLE / 4)
    spectrum = np.zeros(TABLE // 2 + 1, complex)
    for order, amplitude in orders.items():
        if 0 < order < highest:
            spectrum[order] += amplitude * TABLE / 2
    table = fft.irfft(spectrum, TABLE).astype(np.float32)
    table = np.append(table, table[0])
    position = _fraction(turns) * TABLE
    below = position.astype(np.int32)
    part = (position - below).astype(np.float32)
    return table[below] + part * (table[below + 1] - table[below])


def impacts(axes: Clock, times: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Returns [samples] with impulses at times in seconds; those outside of it are left out."""
    position = times * SAMPLE_RATE
    inside = (position >= 0) & (position < axes.samples - 1)
    position, strengths = position[inside], np.broadcast_to(strengths, len(times))[inside]
    below = position.astype(int)
    wave = np.zeros(axes.samples, np.float32)
    np.add.at(wave, below, (below + 1 - position) * strengths)
    np.add.at(wave, below + 1, (position - below) * strengths)
    return wave


def passing_times(turns: np.ndarray, axes: Clock, per_turn: float) -> np.ndarray:
    """Returns the times in seconds at which a mark passes that passes `per_turn` times a turn."""
    marks = turns * per_turn
    return np.interp(np.arange(np.ceil(marks[0]), marks[-1]), marks, axes.time)


@functools.lru_cache(maxsize=24)
def resonance(axes: Clock, center: float, quality: float) -> np.ndarray:
    """Returns the response of a damped resonator, 1 at its center.

    Its oscillation decays with a time constant of quality / (pi center) seconds.
    """
    ratio = axes.frequency / np.float32(center)
    damping = 1j * ratio / np.float32(quality)
    response = damping / (1 - ratio**2 + damping)
    response.setflags(write=False)  # it is cached
    return response


def body(
    axes: Clock, modes: tuple[tuple[float, float, float], ...], direct: float = 0.15
) -> np.ndarray:
    """Returns the response of a housing: its modes (Hz, quality, gain), and a direct path."""
    resonances = [
        np.float32(gain) * resonance(axes, center, quality) for center, quality, gain in modes
    ]
    return np.asarray(direct + sum(resonances))


def colored_noise(
    rng: np.random.Generator, axes: Clock, center: float, quality: float
) -> np.ndarray:
    """Draws [samples] of noise of unit root mean square in a broad band."""
    return to_level(to_wave(white_noise(rng, axes) * resonance(axes, center, quality), axes))
