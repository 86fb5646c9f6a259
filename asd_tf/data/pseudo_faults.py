"""Pseudo-faults: normal recordings with a disturbance, at the edge of what can be detected.

Each kind is a function of a waveform. Its strength is relative to what the recording itself has in
the same band of frequencies, so that it means about the same for loud and quiet machines.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from scipy import fft, ndimage

STRENGTHS = (1 / 16, 1.0)
"""Range of the strength, of amplitudes: from 24 dB below the band of the recording to its level."""

MIXED = "mixed"
"""The kind that needs a recording of another machine."""

_CENTERS_HZ, _HIGHEST = 100.0, 0.4  # from this frequency to this share of the sample rate
_OCTAVES = (1 / 3, 2.0)
_BURSTS, _BURST_S = (1, 5), (0.05, 0.5)
_CLICKS_HZ, _DECAY_S = (1.0, 20.0), (0.002, 0.02)
_MODULATION_HZ = (1.0, 40.0)
_SPEED = 0.1  # change of speed at strength 1
# A silent band is taken for one at -100 dB of full scale.
_SILENCE = 1e-5


class Band(NamedTuple):
    """A band of frequencies, in Hz."""

    low: float
    high: float

    @property
    def center(self) -> float:
        """Geometric mean of its limits, in Hz."""
        return (self.low * self.high) ** 0.5


class Recipient(NamedTuple):
    """What a pseudo-fault is made of.

    Attributes:
        waveform: [n] the normal recording.
        rate: Its sample rate in Hz.
        band: The band of the disturbance.
        strength: Amplitude relative to the level of the recording in that band.
        other: [n] a recording of another machine; None if there is none.
    """

    waveform: np.ndarray
    rate: int
    band: Band
    strength: float
    other: np.ndarray | None = None

    @property
    def in_band(self) -> np.ndarray:
        """The recording in the band alone [n]."""
        return band_of(self.waveform, self.rate, self.band)

    def added(self, disturbance: np.ndarray) -> np.ndarray:
        """Adds a disturbance [n] at the strength, relative to the level in the band."""
        level = max(rms(self.in_band), _SILENCE)
        return self.waveform + self.strength * level / max(rms(disturbance), 1e-30) * disturbance


def bursts(given: Recipient, rng: np.random.Generator) -> np.ndarray:
    """A few short bursts of noise of the band, each as strong as the strength says."""
    samples, result = len(given.waveform), given.waveform
    noise = band_of(rng.normal(size=samples), given.rate, given.band)
    for _ in range(rng.integers(*_BURSTS)):
        length = min(samples, max(round(_log_uniform(rng, *_BURST_S) * given.rate), 8))
        start = rng.integers(samples - length + 1)
        window = np.zeros(samples)
        window[start : start + length] = np.hanning(length)
        # As strong within its own length, of which the whole recording is a multiple.
        shorter = given._replace(strength=given.strength * (length / samples) ** 0.5)
        result = result + shorter.added(noise * window) - given.waveform
    return result


def tone(given: Recipient, rng: np.random.Generator) -> np.ndarray:
    """A steady tone in the middle of the band."""
    phase = rng.uniform(0, 2 * np.pi)
    return given.added(np.sin(2 * np.pi * given.band.center * _seconds(given) + phase))


def clicks(given: Recipient, rng: np.random.Generator) -> np.ndarray:
    """Clicks at a steady pace: each a resonance in the middle of the band that dies away."""
    samples, pace = len(given.waveform), _log_uniform(rng, *_CLICKS_HZ)
    period = min(max(round(given.rate / pace), 1), samples)
    train = np.zeros(samples)
    train[rng.integers(period) :: period] = 1.0
    length = min(samples, round(8 * _DECAY_S[1] * given.rate))
    seconds = np.arange(length) / given.rate
    decay = np.exp(-seconds / _log_uniform(rng, *_DECAY_S))
    click = decay * np.sin(2 * np.pi * given.band.center * seconds)
    size = fft.next_fast_len(samples + length, real=True)
    ringing = fft.irfft(fft.rfft(train, size) * fft.rfft(click, size), size)[:samples]
    return given.added(ringing)


def modulation(given: Recipient, rng: np.random.Generator) -> np.ndarray:
    """The band goes up and down by its strength, a steady number of times a second."""
    pace, phase = _log_uniform(rng, *_MODULATION_HZ), rng.uniform(0, 2 * np.pi)
    swing = np.sin(2 * np.pi * pace * _seconds(given) + phase)
    return given.waveform + min(given.strength, 1.0) * swing * given.in_band


def speed(given: Recipient, rng: np.random.Generator) -> np.ndarray:
    """The recording is played faster or slower, by up to 10 % at strength 1."""
    factor = 1 + rng.choice([-1, 1]) * _SPEED * min(given.strength, 1.0)
    places = np.arange(len(given.waveform)) * factor
    # What would be after the end is the end played backwards.
    return ndimage.map_coordinates(given.waveform, [places], order=3, mode="mirror")


def attenuation(given: Recipient, rng: np.random.Generator) -> np.ndarray:
    """The band is weaker: halved at strength 1."""
    return given.waveform - given.strength / (1 + given.strength) * given.in_band


def mixed(given: Recipient, rng: np.random.Generator) -> np.ndarray:
    """Another machine is heard too, relative to the whole recording."""
    if given.other is None:
        raise ValueError("mixed: needs a recording of another machine")
    everything = Band(0.0, given.rate)
    return given._replace(band=everything).added(given.other)


def band_noise(given: Recipient, rng: np.random.Generator) -> np.ndarray:
    """Steady noise of the band."""
    noise = rng.normal(size=len(given.waveform))
    return given.added(band_of(noise, given.rate, given.band))


KINDS: Mapping[str, Callable[[Recipient, np.random.Generator], np.ndarray]] = MappingProxyType(
    {
        "bursts": bursts,
        "tone": tone,
        "clicks": clicks,
        "modulation": modulation,
        "speed": speed,
        "attenuation": attenuation,
        MIXED: mixed,
        "band_noise": band_noise,
    }
)
"""Name of a kind to its function."""


def pseudo_fault(
    kind: str,
    waveform: np.ndarray,
    rate: int,
    rng: np.random.Generator,
    other: np.ndarray | None = None,
) -> np.ndarray:
    """Makes a pseudo-fault of a normal recording, in a band and at a strength drawn at random.

    Args:
        kind: A key of `KINDS`.
        waveform: [n] samples, full scale is 1.
        rate: Sample rate in Hz, 1,000 or more.
        rng: Draws band, strength and the rest: the same state makes the same fault.
        other: [n] a recording of another machine, for `mixed`.

    Returns:
        [n] float32, which may exceed full scale a little.
    """
    band = _band(rng, rate)
    given = Recipient(
        np.asarray(waveform, np.float64), rate, band, _log_uniform(rng, *STRENGTHS), other
    )
    return KINDS[kind](given, rng).astype(np.float32)


def band_of(waveform: np.ndarray, rate: int, band: Band) -> np.ndarray:
    """Returns what a waveform [n] has in a band of frequencies [n]."""
    spectrum = fft.rfft(waveform)
    frequency = fft.rfftfreq(len(waveform), 1 / rate)
    spectrum[(frequency < band.low) | (frequency > band.high)] = 0
    return fft.irfft(spectrum, len(waveform))


def rms(waveform: np.ndarray) -> float:
    """Returns the root mean square of a waveform."""
    return float(np.sqrt(np.mean(np.square(waveform))))


def _band(rng: np.random.Generator, rate: int) -> Band:
    center = _log_uniform(rng, _CENTERS_HZ, _HIGHEST * rate)
    half = 2 ** (_log_uniform(rng, *_OCTAVES) / 2)
    return Band(center / half, min(center * half, rate / 2))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _seconds(given: Recipient) -> np.ndarray:
    return np.arange(len(given.waveform)) / given.rate
