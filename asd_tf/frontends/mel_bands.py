"""The weights of spectrum bins in mel bands, in three common conventions."""

import numpy as np
import tensorflow as tf

from asd_tf.arguments import check_choices, check_counts, check_positive

BANDS = ("htk", "slaney", "torchaudio")

# Slaney's scale (Auditory Toolbox): linear up to 1 kHz, then 27 steps to a factor of 6.4.
_HERTZ_PER_MEL = 200 / 3
_KNEE_HERTZ, _KNEE_MEL = 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27


def mel_bands(
    n_mels: int, frame_length: int, sample_rate: int, fmin: float, fmax: float, bands: str
) -> np.ndarray:
    """Returns the weight of each bin of a spectrum in each band.

    Args:
        n_mels: Number of bands, at most the number of bins, frame_length // 2 + 1.
        frame_length: Points of the Fourier transform.
        sample_rate: In Hz.
        fmin: Lower edge of the lowest band, in Hz, at least 0.
        fmax: Upper edge of the highest band, in Hz, above `fmin`, at most half the sample rate.
        bands: `htk` is TensorFlow's: bands of equal width on the scale 2595 log10(1 + f / 700),
            triangles on that scale, height 1. `slaney` is librosa's default: bands of equal width
            on Slaney's scale, triangles in Hz, area 1. `torchaudio` is torchaudio's default: bands
            of equal width on the scale of `htk`, triangles in Hz, height 1.

    Returns:
        [frame_length // 2 + 1, n_mels] float32.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_choices(BANDS, bands=bands)
    check_counts(n_mels=n_mels, frame_length=frame_length)
    check_positive(sample_rate=sample_rate)
    bins = frame_length // 2 + 1
    if n_mels > bins:
        raise ValueError(f"n_mels must be in [1, {bins}], the bins of the spectrum, got {n_mels}")
    if not 0 <= fmin < fmax <= sample_rate / 2:
        raise ValueError(
            f"fmin and fmax must satisfy 0 <= fmin < fmax <= {sample_rate / 2:g} Hz, half the "
            f"sample rate, got fmin {fmin:g} and fmax {fmax:g}"
        )
    hertz = np.linspace(0, sample_rate / 2, bins)
    if bands == "slaney":
        return _slaney(n_mels, hertz, fmin, fmax)
    if bands == "torchaudio":
        return _torchaudio(n_mels, hertz, fmin, fmax)
    with tf.init_scope():
        return tf.signal.linear_to_mel_weight_matrix(
            num_mel_bins=n_mels,
            num_spectrogram_bins=bins,
            sample_rate=sample_rate,
            lower_edge_hertz=fmin,
            upper_edge_hertz=fmax,
        ).numpy()


def _slaney(n_mels: int, hertz: np.ndarray, fmin: float, fmax: float) -> np.ndarray:
    low, high = _to_mel(np.array([fmin, fmax], np.float64))
    edges = _to_hertz(np.linspace(low, high, n_mels + 2))
    return (_triangles(hertz, edges) * 2 / (edges[2:] - edges[:-2])).astype(np.float32)


def _torchaudio(n_mels: int, hertz: np.ndarray, fmin: float, fmax: float) -> np.ndarray:
    low, high = 2595 * np.log10(1 + np.array([fmin, fmax], np.float64) / 700)
    edges = 700 * (10 ** (np.linspace(low, high, n_mels + 2) / 2595) - 1)
    return _triangles(hertz, edges).astype(np.float32)


def _triangles(hertz: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Returns [frequencies, edges - 2]: 1 at an edge, 0 at the edges beside it."""
    left, peak, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (hertz[:, None] - left) / (peak - left)
    falling = (right - hertz[:, None]) / (right - peak)
    return np.maximum(0, np.minimum(rising, falling))


def _to_mel(hertz: np.ndarray) -> np.ndarray:
    above = _KNEE_MEL + np.log(np.maximum(hertz, _KNEE_HERTZ) / _KNEE_HERTZ) / _LOG_STEP
    return np.where(hertz < _KNEE_HERTZ, hertz / _HERTZ_PER_MEL, above)


def _to_hertz(mel: np.ndarray) -> np.ndarray:
    above = _KNEE_HERTZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _HERTZ_PER_MEL, above)
