"""What a reader hears and sees of a clip: its samples as FLAC, its spectrogram as PNG."""

import dataclasses
import io
import os

import numpy as np
import pandas as pd
import soundfile
from matplotlib.image import imsave
from scipy.signal import spectrogram

MAX_SECONDS = 30.0
MAX_AUDIO_BYTES = 600_000
"""Of one FLAC file: 20 of them, a third larger in base64, leave room for the rest in 20 MB."""

_COLUMNS, _ROWS = 320, 96
_DECIBELS = 70.0
_SHADES = 48


@dataclasses.dataclass(frozen=True)
class Media:
    """A clip, or its beginning.

    Attributes:
        audio: FLAC file with 16 bits, at the rate of the recording.
        picture: PNG file: spectrogram of `audio`, low frequencies at the bottom.
        seconds: Length of `audio`.
        whole_seconds: Length of the clip.
        sample_rate: In Hz.
    """

    audio: bytes
    picture: bytes
    seconds: float
    whole_seconds: float
    sample_rate: int

    @property
    def is_cut(self) -> bool:
        """Whether the clip is longer."""
        return self.seconds < self.whole_seconds


def read_media(clip: pd.Series) -> Media | None:
    """Reads a clip for the player.

    Long clips are cut after `MAX_SECONDS`, and further where FLAC needs more than
    `MAX_AUDIO_BYTES`. Levels are those of the recording.

    Args:
        clip: A row of the clip table. A missing channel is the mean over all channels.

    Returns:
        None where the file cannot be read.
    """
    try:
        samples, sample_rate, whole = _read(clip)
        audio, samples = _encoded(samples, sample_rate)
    # libsndfile reports what it cannot read, or write as FLAC, as a RuntimeError.
    except (OSError, RuntimeError, ValueError, IndexError):
        return None
    return Media(
        audio=audio,
        picture=_picture(samples, sample_rate),
        seconds=len(samples) / sample_rate,
        whole_seconds=whole / sample_rate,
        sample_rate=sample_rate,
    )


def _read(clip: pd.Series) -> tuple[np.ndarray, int, int]:
    """Returns [samples] float32, their rate, and how many samples the whole clip has."""
    with soundfile.SoundFile(os.fspath(clip["path"])) as file:
        rate = file.samplerate
        start = round(float(clip["start_s"]) * rate)
        whole = file.frames - start
        if not pd.isna(clip["duration_s"]):
            whole = min(whole, round(float(clip["duration_s"]) * rate))
        if whole <= 0:
            raise ValueError("no samples")
        file.seek(start)
        values = file.read(min(whole, round(MAX_SECONDS * rate)), "float32", always_2d=True)
    channel = clip["channel"]
    samples = values.mean(axis=1) if pd.isna(channel) else values[:, int(channel)]
    if len(samples) == 0 or not np.isfinite(samples).all():
        raise ValueError("no samples, or not all are numbers")
    return samples, rate, whole


def _encoded(samples: np.ndarray, sample_rate: int) -> tuple[bytes, np.ndarray]:
    """Returns FLAC that is small enough, and the samples in it."""
    audio = _flac(samples, sample_rate)
    while len(audio) > MAX_AUDIO_BYTES:
        # A little less than in proportion, since the beginning may be the louder part.
        samples = samples[: int(0.97 * len(samples) * MAX_AUDIO_BYTES / len(audio))]
        audio = _flac(samples, sample_rate)
    return audio, samples


def _flac(samples: np.ndarray, sample_rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, subtype="PCM_16", format="FLAC")
    return file.getvalue()


def _picture(samples: np.ndarray, sample_rate: int) -> bytes:
    """Draws a log-magnitude spectrogram, frequency linear, the upper `_DECIBELS` of it."""
    window = min(1024, len(samples))
    _, _, power = spectrogram(
        samples, sample_rate, nperseg=window, noverlap=window // 2, detrend=False
    )
    power = _shrunk(_shrunk(power, _ROWS).T, _COLUMNS).T
    decibels = 10 * np.log10(np.maximum(power, 1e-20))
    shades = np.clip((decibels - decibels.max()) / _DECIBELS + 1, 0, 1)
    file = io.BytesIO()
    # Few shades make a small file, and nobody sees the difference.
    imsave(file, np.round(shades * _SHADES)[::-1], cmap="magma", vmin=0, vmax=_SHADES, format="png")
    return file.getvalue()


def _shrunk(values: np.ndarray, rows: int) -> np.ndarray:
    """Averages neighbouring rows so that at most `rows` are left."""
    if len(values) <= rows:
        return values
    starts = np.linspace(0, len(values), rows, endpoint=False).astype(int)
    sizes = np.diff([*starts, len(values)])
    return np.add.reduceat(values, starts, axis=0) / sizes[:, None]
