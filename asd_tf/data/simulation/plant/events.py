"""Events of a factory: what drops, beeps, speaks and slams."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import signal

from asd_tf.data.simulation.signals import SAMPLE_RATE, Clock, to_level

# Mean number of events a minute.
A_MINUTE = 14.0


def events(rng: np.random.Generator, axes: Clock) -> np.ndarray:
    """Draws [samples] of events at random times; their peaks are of about 1."""
    wave = np.zeros(axes.samples, np.float32)
    kinds: Sequence[Callable[[np.random.Generator], np.ndarray]] = (drop, horn, voice, door, hammer)
    for _ in range(rng.poisson(A_MINUTE * axes.time[-1] / 60)):
        sound = kinds[rng.integers(len(kinds))](rng)
        start = rng.integers(0, axes.samples)
        sound = sound[: axes.samples - start] * rng.lognormal(0, 0.6)
        wave[start : start + len(sound)] += sound.astype(np.float32)
    return wave


def _seconds(length):
    return np.arange(round(length * SAMPLE_RATE)) / SAMPLE_RATE


def _ring(rng, time, band_hz, modes, decay):
    """Draws the ringing of something struck at time 0; `decay` is the range of rates per s."""
    hertz = np.exp(rng.uniform(*np.log(band_hz), modes))[:, None]
    rates = rng.uniform(*decay, modes)[:, None]
    heights = rng.lognormal(0, 0.5, modes)[:, None]
    after = np.maximum(time, 0)
    rings = heights * np.sin(2 * np.pi * hertz * after) * np.exp(-rates * after)
    return rings.sum(axis=0) / np.sqrt(modes)


def drop(rng: np.random.Generator) -> np.ndarray:
    """Draws a metal part that drops and bounces, each time sooner and softer."""
    time, start, gap, height = _seconds(0.9), 0.0, rng.uniform(0.1, 0.3), 1.0
    wave = np.zeros(len(time))
    part = np.random.default_rng(rng.integers(2**32))  # the same part rings at each bounce
    bounce = _ring(part, _seconds(0.25), (900, 6500), 5, (15, 60))
    while start < 0.85 and height > 0.05:
        first = round(start * SAMPLE_RATE)
        wave[first : first + len(bounce)] += height * bounce[: len(time) - first]
        start, gap, height = start + gap, 0.6 * gap + 0.01, 0.55 * height
    return wave


def horn(rng: np.random.Generator) -> np.ndarray:
    """Draws a horn or the beep of a vehicle: one to four equal tones."""
    time = _seconds(rng.uniform(0.15, 0.6))
    hertz = np.exp(rng.uniform(np.log(350), np.log(2400)))
    tone = sum(np.sin(2 * np.pi * k * hertz * time) / k**1.5 for k in (1, 2, 3) if k * hertz < 7000)
    fade = np.minimum(np.minimum(time, time[-1] - time) / 0.01, 1)
    pause = np.zeros(len(time))
    return 0.5 * np.concatenate([np.append(tone * fade, pause)] * int(rng.integers(1, 5)))


def voice(rng: np.random.Generator) -> np.ndarray:
    """Draws bursts like those of a voice: pulses through formants, in syllables."""
    time = _seconds(rng.uniform(0.5, 1.8))
    pitch = rng.uniform(90, 230) * (1 + 0.15 * np.sin(2 * np.pi * rng.uniform(0.5, 2) * time))
    turns = np.cumsum(pitch) / SAMPLE_RATE
    wave = np.diff(np.floor(turns), prepend=0.0) + rng.normal(0, 0.02, len(time))
    for hertz, width in ((rng.uniform(350, 800), 90), (rng.uniform(900, 2200), 140), (2700, 200)):
        radius = np.exp(-np.pi * width / SAMPLE_RATE)
        angle = 2 * np.pi * hertz / SAMPLE_RATE
        # A resonance of unit gain at 0 Hz, so that the formants stand in a row.
        poles = [1, -2 * radius * np.cos(angle), radius**2]
        wave = signal.lfilter([sum(poles)], poles, wave)
    syllables = np.maximum(np.sin(2 * np.pi * rng.uniform(2.5, 5) * time + rng.uniform(0, 6)), 0)
    wave = wave * syllables
    return to_level(np.diff(wave, prepend=0.0), 0.3)


def door(rng: np.random.Generator) -> np.ndarray:
    """Draws a door that falls shut: a thump and its rattling leaf."""
    time = _seconds(0.7)
    thump = 1.2 * _ring(rng, time, (70, 300), 4, (12, 30))
    for delay in rng.exponential(0.05, 4):
        thump += 0.3 * _ring(rng, time - delay, (500, 2500), 3, (30, 80)) * (time > delay)
    return thump


def hammer(rng: np.random.Generator) -> np.ndarray:
    """Draws a few blows of a hammer in a row."""
    blow, gap = _ring(rng, _seconds(0.3), (500, 5000), 6, (20, 70)), rng.uniform(0.3, 0.5)
    blows = int(rng.integers(1, 5))
    wave = np.zeros(round((blows * gap + 0.3) * SAMPLE_RATE))
    for k in range(blows):
        first = round(k * gap * SAMPLE_RATE)
        wave[first : first + len(blow)] += rng.lognormal(0, 0.2) * blow
    return wave
