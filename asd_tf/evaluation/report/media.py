"""The media of a clip in a report: its samples as FLAC, its spectrogram as PNG."""

import dataclasses
import io

import numpy as np
import pandas as pd
import soundfile
from matplotlib.image import imsave
from scipy.signal import spectrogram

from asd_tf.data.decoding.header import read_header
from asd_tf.data.decoding.reader import MEAN, read_samples
from asd_tf.errors import InputError

MAX_SECONDS = 30.0
MAX_AUDIO_BYTES = 600_000
"""Limit of one FLAC file: 20 of them, a third larger in base64, leave 4 MB of 20 for the rest."""

_COLUMNS, _ROWS = 320, 96
_RANGE_DB = 70.0
_SHADES = 48


@dataclasses.dataclass(frozen=True)
class Media:
    """A clip, or its beginning.

    Attributes:
        audio: FLAC file with 16 bits per sample, at the sample rate of the recording.
        picture: PNG file with the spectrogram of `audio`, low frequencies at the bottom.
        seconds: Duration of `audio`.
        clip_seconds: Duration of the clip.
        sample_rate: In Hz.
    """

    audio: bytes
    picture: bytes
    seconds: float
    clip_seconds: float
    sample_rate: int

    @property
    def is_cut(self) -> bool:
        """Whether the clip is longer than `audio`."""
        return self.seconds < self.clip_seconds


def read_media(clip: pd.Series) -> Media | None:
    """Reads a clip for the player.

    Long clips are cut after `MAX_SECONDS`, or earlier if FLAC needs more than `MAX_AUDIO_BYTES`.
    The level of the recording is kept.

    Args:
        clip: A row of the clip table. If its channel is missing, channels are averaged.

    Returns:
        The media, or None if the file cannot be read.
    """
    try:
        samples, sample_rate, length = _read(clip)
        audio, samples = _encoded(samples, sample_rate)
    # libsndfile raises a RuntimeError for what it cannot write as FLAC.
    except (InputError, RuntimeError):
        return None
    return Media(
        audio=audio,
        picture=_picture(samples, sample_rate),
        seconds=len(samples) / sample_rate,
        clip_seconds=length / sample_rate,
        sample_rate=sample_rate,
    )


def _read(clip: pd.Series) -> tuple[np.ndarray, int, int]:
    """Returns the beginning of a clip [samples], its sample rate, and its length in samples."""
    path = clip["path"]
    header = read_header(path)
    rate = header.sample_rate
    start = round(float(clip["start_s"]) * rate)
    length = header.frames - start
    if not pd.isna(clip["duration_s"]):
        length = min(length, round(float(clip["duration_s"]) * rate))
    channel = MEAN if pd.isna(clip["channel"]) else int(clip["channel"])
    samples = round(MAX_SECONDS * rate)
    return read_samples(path, channel, first=start, frames=length, samples=samples), rate, length


def _encoded(samples: np.ndarray, sample_rate: int) -> tuple[bytes, np.ndarray]:
    """Returns a FLAC file of at most `MAX_AUDIO_BYTES`, and the samples in it."""
    audio = _flac(samples, sample_rate)
    while len(audio) > MAX_AUDIO_BYTES:
        # A little less than in proportion, since the beginning may compress worse than the rest.
        samples = samples[: int(0.97 * len(samples) * MAX_AUDIO_BYTES / len(audio))]
        audio = _flac(samples, sample_rate)
    return audio, samples


def _flac(samples: np.ndarray, sample_rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, subtype="PCM_16", format="FLAC")
    return file.getvalue()


def _picture(samples: np.ndarray, sample_rate: int) -> bytes:
    """Draws a spectrogram with linear frequency and the upper `_RANGE_DB` of its level."""
    window = min(1024, len(samples))
    _, _, power = spectrogram(
        samples, sample_rate, nperseg=window, noverlap=window // 2, detrend=False
    )
    power = _shrunk(_shrunk(power, _ROWS).T, _COLUMNS).T
    power_db = 10 * np.log10(np.maximum(power, 1e-20))
    shades = np.clip((power_db - power_db.max()) / _RANGE_DB + 1, 0, 1)
    file = io.BytesIO()
    # Few shades make a small file, without a visible difference.
    imsave(file, np.round(shades * _SHADES)[::-1], cmap="magma", vmin=0, vmax=_SHADES, format="png")
    return file.getvalue()


def _shrunk(values: np.ndarray, rows: int) -> np.ndarray:
    """Averages neighboring rows so that at most `rows` remain."""
    if len(values) <= rows:
        return values
    starts = np.linspace(0, len(values), rows, endpoint=False).astype(int)
    sizes = np.diff([*starts, len(values)])
    return np.add.reduceat(values, starts, axis=0) / sizes[:, None]
