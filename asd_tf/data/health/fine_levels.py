"""The levels of fine frequency bands of a window: what tells the domains of a machine apart.

A shift of speed or load moves lines by a few percent, which the half octaves that watch the sensor
do not show.
"""

import functools

import numpy as np
from scipy import fft

FINE_BANDS = 96
"""Spaced geometrically up to half of the sample rate."""

# A power of two of about this length, with half of it from frame to frame.
_FRAME_S = 0.128
# Frames of a window that are transformed, spread evenly.
_MOST_FRAMES = 64
# A quieter band has this level: that of -120 dB of full scale.
_FLOOR = 1e-12


def fine_levels(waveform: np.ndarray, rate: int) -> np.ndarray:
    """Returns the levels of a window, in natural logarithms of power.

    Args:
        waveform: [n] float32 with full scale at 1; one shorter than a frame is repeated.
        rate: Sample rate in Hz.

    Returns:
        [FINE_BANDS] float32, the mean level over frames, from the lowest band to the highest.
    """
    size = max(2 ** round(np.log2(rate * _FRAME_S)), 4 * FINE_BANDS)
    if len(waveform) < size:
        waveform = np.resize(waveform, size)
    step = max(size // 2, (len(waveform) - size) // (_MOST_FRAMES - 1))
    frames = np.lib.stride_tricks.sliding_window_view(waveform, size)[::step][:_MOST_FRAMES]
    # Real and imaginary parts in turns, which is several times as fast as squares of magnitudes.
    parts = fft.rfft(frames * _window(size), axis=1).view(np.float32)
    power = np.square(parts, out=parts)
    ends = 2 * _ends(size // 2 + 1)  # two values of a bin
    sums = np.add.reduceat(power, ends[:-1], axis=1)
    return np.log(sums / np.diff(ends) + _FLOOR).mean(axis=0, dtype=np.float32)


@functools.lru_cache(maxsize=8)
def _window(size: int) -> np.ndarray:
    """Returns a Hann window [size] of energy 1, so that levels do not depend on the size."""
    window = np.hanning(size + 1)[:-1]
    return (window / np.sqrt(np.sum(window**2))).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _ends(bins: int) -> np.ndarray:
    """Returns the first bin of each band, and that after the last; a band has a bin at least.

    The first two bins are left out: they hold a constant offset.
    """
    ends = np.round(np.geomspace(2, bins, FINE_BANDS + 1)).astype(int)
    return np.maximum(ends, np.arange(2, FINE_BANDS + 3))
