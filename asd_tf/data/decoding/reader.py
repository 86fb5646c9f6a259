"""Reads the samples of audio files: the one place where their contents are decoded to numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile

from asd_tf.data.decoding.header import Header, opened
from asd_tf.data.decoding.media import MediaSource
from asd_tf.data.decoding.resampling import resample_part, resampled_length
from asd_tf.errors import InputError

Source: TypeAlias = soundfile.SoundFile | MediaSource

# The channel number that means the mean of all channels.
MEAN = -1

# Full scale is 1. Files of floats may exceed it a little; beyond this a bit of an exponent was
# flipped, or the values are those of integers.
LARGEST = 1000.0

# Values decoded at a time, so that many channels take no more memory than one.
_BLOCK = 2**20


def read_samples(
    path: str | Path,
    channel: int = MEAN,
    *,
    first: int = 0,
    frames: int | None = None,
    sample_rate: int | None = None,
    start: float = 0.0,
    samples: int | None = None,
) -> np.ndarray:
    """Reads a clip, which is a part of a file, or a window of a clip; no more than that is decoded.

    Memory is bounded by what is returned, whatever the header states.

    Args:
        path: A WAV, FLAC, OGG or AIFF file, see `header.KINDS`, or one of `media_kinds`.
        channel: Number of the channel, or `MEAN` for the mean of all.
        first: Where the clip begins, in samples of the file.
        frames: Length of the clip in samples of the file; None for up to the end.
        sample_rate: Sample rate of the result in Hz; None for that of the file.
        start: Where the window begins, from 0 (at the start of the clip) to below 1 (as late as
            possible).
        samples: Length of the window in samples of the result; None for the whole clip. A clip
            that is shorter is returned whole.

    Returns:
        [n] float32 with full scale at 1, where n is at most `samples`.

    Raises:
        InputError: If the file or one of the samples that were asked for cannot be read, or is
            absurd. The message is the reason alone, without the path.
    """
    with opened(path) as (source, header):
        frames = header.frames - first if frames is None else frames
        _check_part(header, channel, first, frames)
        rate = header.sample_rate
        new_rate = sample_rate or rate

        def read(begin: int, count: int) -> np.ndarray:
            blocks = list(_blocks(source, channel, first + begin, count))
            return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

        if new_rate == rate:
            return read(*window(frames, samples, start))
        length = resampled_length(frames, rate, new_rate)
        begin, count = window(length, samples, start)
        return resample_part(read, frames, rate, new_rate, begin, count)


def check_samples(path: str | Path, channel: int, first: int, frames: int) -> None:
    """Decodes a clip, block by block, and keeps nothing of it.

    Raises:
        InputError: See `read_samples`.
    """
    with opened(path) as (source, header):
        _check_part(header, channel, first, frames)
        for _ in _blocks(source, channel, first, frames):
            pass


def window(length: int, samples: int | None, start: float) -> tuple[int, int]:
    """Returns where a window of a waveform begins, and its length; see `read_samples`."""
    if samples is None or length <= samples:
        return 0, length
    # One more than the last sample at which a window may begin; float32 as in TensorFlow's graphs.
    choices = length - samples + 1
    return min(int(np.float32(start) * np.float32(choices)), choices - 1), samples


def _check_part(header: Header, channel: int, first: int, frames: int) -> None:
    if channel != MEAN and not 0 <= channel < header.channels:
        raise InputError(f"no channel {channel}: it has {header.channels}, counted from 0")
    if frames <= 0 or first < 0 or first + frames > header.frames:
        raise InputError(
            f"truncated: samples {first} to {first + frames} of {header.frames} were asked for"
        )


def _blocks(source: Source, channel: int, first: int, count: int) -> Iterator[np.ndarray]:
    """Yields `count` samples from `first` on, in blocks [n] float32."""
    try:
        if source.format != "OGG":
            source.seek(first)
        else:
            # libsndfile 1.2 finds a wrong place in some OGG files: what is before is decoded too.
            for _ in _decoded(source, first):
                pass
        for block in _decoded(source, count):
            # The mean of inf and -inf is refused below.
            with np.errstate(invalid="ignore"):
                samples = block.mean(axis=1) if channel == MEAN else block[:, channel]
            _check_values(samples)
            yield samples
    except soundfile.SoundFileError:
        raise InputError("damaged: its samples cannot be decoded") from None


def _decoded(source: Source, count: int) -> Iterator[np.ndarray]:
    """Yields the next `count` samples of all channels, in blocks [n, channels] float32."""
    size = max(_BLOCK // source.channels, 1)
    for done in range(0, count, size):
        wanted = min(size, count - done)
        block = source.read(wanted, dtype="float32", always_2d=True)
        if len(block) < wanted:
            raise InputError("damaged: it has fewer samples than its header states")
        yield block


def _check_values(samples: np.ndarray) -> None:
    largest = max(samples.max(), -samples.min())
    if np.isnan(largest):
        raise InputError("a sample is not a number")
    if largest > LARGEST:
        raise InputError(f"a sample is {largest:g}: full scale is 1, and up to {LARGEST:g} is read")
