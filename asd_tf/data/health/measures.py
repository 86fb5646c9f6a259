"""The numbers of a window that tell of the sensor: level, clipping, dropouts, hum and bands.

They are of the waveform that the network gets: of the recipe's sample rate, and of its channel. One
pass over the samples and one short Fourier transform make them all. Beside them stand the levels of
fine bands, which tell domains apart.
"""

import functools

import numpy as np
from scipy import fft

from asd_tf.data.health.fine_levels import FINE_BANDS, fine_levels

BANDS = 12
"""The lowest band and half octaves up to half of the sample rate."""

MEASURES = (
    "level_db", "clipped", "dropouts", "hum_db", *(f"band{n:02d}_db" for n in range(BANDS)),
)  # fmt: skip
"""The names of the numbers: levels in dB of full scale, shares in 0..1, and hum in dB."""

LEVEL, CLIPPED, DROPOUTS, HUM = range(4)
FIRST_BAND = 4
IN_BANDS = slice(FIRST_BAND, FIRST_BAND + BANDS)
"""The columns with the levels of the bands."""
IN_FINE_BANDS = slice(len(MEASURES), len(MEASURES) + FINE_BANDS)
"""The columns with what `fine_levels` returns, which have no names."""

# Of the mean square: -120 dB, below the noise of 16 bits, so that silence has a level, too.
_LEAST_POWER = 1e-12

# A sample counts as clipped within 0.1 % of the largest, or beyond 99 % of full scale: resampling
# rounds the plateaus that a recorder leaves.
_NEAR_LARGEST = 1 - 2.0**-10
_NEAR_FULL = 0.99

# A frame counts as dropped if it varies by less than this part of the level of its window.
_FRAME_S = 0.01
_DEAD = 4e-3

# Bins of about 4 Hz, which tell a line at 50 Hz from one at 60 Hz.
_SEGMENT_S = 0.25
# Segments of a window that are transformed, spread evenly: more tell no more.
_MOST_SEGMENTS = 8
_MAINS_HZ = (50.0, 60.0)
_HARMONICS = 6
_MOST_DB = 20.0
_COARSEST_HZ = 8.0
_LEAST_IN_BIN = 1e-18

# Enough for a spectrum of all bands; shorter windows are repeated.
_LEAST_SAMPLES = 64
_NEIGHBORS = np.array([-7, -6, -5, -4, 4, 5, 6, 7])


def no_measures(count: int) -> np.ndarray:
    """Returns the measures [count, measures] of windows of which none is measured: NaN."""
    return np.full((count, IN_FINE_BANDS.stop), np.nan, np.float32)


def is_measured(measures: np.ndarray) -> np.ndarray:
    """Returns [windows] bool: whether all of `MEASURES` are known; fine levels may be missing."""
    return np.isfinite(measures[:, : len(MEASURES)]).all(axis=1)


def measure(waveforms: np.ndarray, rate: int) -> np.ndarray:
    """Measures windows.

    Args:
        waveforms: [windows, n] float32 with full scale at 1.
        rate: Sample rate in Hz.

    Returns:
        [windows, measures] float32, in the order of `MEASURES`; then the fine levels.
    """
    measures = no_measures(len(waveforms))
    # One by one, since a window fits into the cache of a processor and a batch does not.
    for row, waveform in zip(measures, np.asarray(waveforms, np.float32), strict=True):
        row[: len(MEASURES)] = _measure(waveform, rate)
        row[IN_FINE_BANDS] = fine_levels(waveform, rate)
    return measures


def _measure(waveform: np.ndarray, rate: int) -> tuple[float, ...]:
    if len(waveform) < _LEAST_SAMPLES:
        waveform = np.resize(waveform, _LEAST_SAMPLES)
    power = _power(waveform)
    length = min(max(round(_FRAME_S * rate), 2), len(waveform))
    frames = waveform[: len(waveform) // length * length].reshape(-1, length)
    starts = np.arange(0, frames.size, length)
    # Twice as fast as the maxima of the rows.
    high, low = (of.reduceat(frames.ravel(), starts) for of in (np.maximum, np.minimum))
    dropouts = float(np.mean(high - low <= _DEAD * np.sqrt(power)))
    spectrum = _power_spectrum(waveform, rate)
    return (
        float(_decibels(power)), _clipped(frames, high, low), dropouts, _hum(spectrum, rate),
        *_bands(spectrum),
    )  # fmt: skip


def _power(waveform: np.ndarray) -> float:
    """Returns the mean square without that of a constant offset."""
    square, offset = float(np.dot(waveform, waveform)) / len(waveform), float(waveform.mean())
    if offset**2 > square / 2:  # their difference is rounded away
        return float(waveform.var(dtype=np.float64))
    return square - offset**2


def _decibels(power: np.ndarray | float) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, _LEAST_POWER))


def _clipped(frames: np.ndarray, high: np.ndarray, low: np.ndarray) -> float:
    """Returns the share of samples near the largest or the smallest, or near full scale.

    Args:
        frames: [frames, length] the samples.
        high: [frames] the largest sample of each frame.
        low: [frames] the smallest.
    """
    most = min(float(high.max()) * _NEAR_LARGEST, _NEAR_FULL)
    least = max(float(low.min()) * _NEAR_LARGEST, -_NEAR_FULL)
    count = np.count_nonzero(frames[high >= most] >= most)
    count += np.count_nonzero(frames[low <= least] <= least)
    return min(count / frames.size, 1.0)


def _power_spectrum(waveform: np.ndarray, rate: int) -> np.ndarray:
    """Returns the mean power [bins] of segments; its sum is about the mean square."""
    count = len(waveform)
    size = min(2 ** round(np.log2(rate * _SEGMENT_S)), 2 ** int(np.log2(count)))
    number = min(-(-count // size), _MOST_SEGMENTS)
    starts = np.linspace(0, count - size, number).astype(int)
    window = _window(size)
    segments = np.lib.stride_tricks.sliding_window_view(waveform, size)[starts] * window
    # Real and imaginary parts in turns, which is several times as fast as squares of magnitudes.
    parts = fft.rfft(segments, axis=1).view(np.float32)
    power = np.einsum("sk,sk->k", parts, parts).reshape(-1, 2).sum(axis=1)
    return power * (2 / (number * size * _energy(size)))


@functools.lru_cache(maxsize=8)
def _window(size: int) -> np.ndarray:
    return np.hanning(size + 1)[:-1].astype(np.float32)


@functools.lru_cache(maxsize=8)
def _energy(size: int) -> float:
    return float(np.sum(_window(size) ** 2))


def _bands(spectrum: np.ndarray) -> np.ndarray:
    """Returns the levels [bands] in dB, from the lowest band to the highest."""
    bins = len(spectrum)
    ends = bins * 2.0 ** (-np.arange(BANDS)[::-1] / 2)
    # The two bins that hold a constant offset are left out; a band has at least one bin.
    ends = np.maximum(np.round(ends).astype(int), np.arange(3, BANDS + 3))
    starts = np.append(2, ends[:-1])
    return _decibels(np.add.reduceat(spectrum, starts))


def _hum(spectrum: np.ndarray, rate: int) -> float:
    """Returns by how much the harmonics of the mains exceed what is beside them, in dB.

    The mean over the first harmonics, each of 0 to 20 dB: a single tone of a machine at one of
    these frequencies adds little.
    """
    width = rate / (2 * (len(spectrum) - 1))
    if width > _COARSEST_HZ:
        return 0.0
    harmonics = np.multiply.outer(_MAINS_HZ, np.arange(1, _HARMONICS + 1))
    bins = np.round(harmonics / width).astype(int)
    bins = np.minimum(bins, len(spectrum) - 1 - _NEIGHBORS[-1])
    line = spectrum[bins[..., np.newaxis] + np.array([-1, 0, 1])].max(axis=-1)
    beside = np.median(spectrum[bins[..., np.newaxis] + _NEIGHBORS], axis=-1)
    above = 10 * np.log10((line + _LEAST_IN_BIN) / (beside + _LEAST_IN_BIN))
    return float(np.clip(above, 0, _MOST_DB).mean(axis=1).max())
