"""Reads what libsndfile cannot through PyAV: AAC, WMA, AMR, MP3, Opus and the sound of videos.

The length of such a file is counted by decoding it, once in a process: what a container states does
not tell what the encoder added at both ends, and a window at the end must not ask for more than
there is. The counted samples are what is read later.
"""

import contextlib
import dataclasses
import fractions
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from asd_tf.data.decoding.media_kinds import MediaKind
from asd_tf.data.fingerprints import file_version
from asd_tf.errors import InputError

# What is decoded before a part: transforms of neighboring packets overlap, and filters have memory.
_PREROLL_S = 1.0

# Samples of a channel to a byte; Opus has up to 2,880, where it transmits nothing.
_MOST_TO_A_BYTE = 8192

_MOST_REMEMBERED = 2**17
_remembered: dict[tuple, "Facts"] = {}

_BUFFER = 2**18


@dataclasses.dataclass(frozen=True)
class Facts:
    """What decoding a file once has shown.

    Attributes:
        sample_rate: In Hz.
        channels: Number of channels.
        frames: Number of samples of a channel.
        start: Time stamp of the first sample.
        is_exact: Whether every packet began at the sample that its time stamp says, so that a part
            can be found by it.
    """

    sample_rate: int
    channels: int
    frames: int
    start: int
    is_exact: bool


class MediaSource:
    """The sound of an open file, with those functions of `soundfile.SoundFile` that are needed.

    Args:
        container: The container of PyAV.
        facts: What is known of the file.
    """

    format = "MEDIA"

    def __init__(self, container: Any, facts: Facts):
        self.facts = facts
        self.channels = facts.channels
        self._container = container
        self._blocks: Iterator[np.ndarray] = iter(())
        self._rest = np.zeros([0, facts.channels], np.float32)

    def seek(self, first: int) -> None:
        """Goes to a sample; once, before anything is read."""
        facts = self.facts
        begin = first - int(_PREROLL_S * facts.sample_rate)
        position = 0
        with reasons():
            if facts.is_exact and begin > 0:
                stream = self._container.streams.audio[0]
                self._container.seek(facts.start + begin, stream=stream)
                position = -1
            self._blocks = self._placed(first, position)

    def read(self, frames: int, **kwargs: Any) -> np.ndarray:
        """Reads the next samples, [n, channels] float32; fewer at the end of the file."""
        parts, missing = [self._rest], frames - len(self._rest)
        while missing > 0:
            block = next(self._blocks, None)
            if block is None:
                break
            parts.append(block)
            missing -= len(block)
        found = np.concatenate(parts)
        self._rest = found[frames:]
        return found[:frames]

    def _placed(self, first: int, position: int) -> Iterator[np.ndarray]:
        """Yields what is decoded from sample `first` on; stamps tell a `position` of -1."""
        for frame, block in _decoded(self._container, self.facts):
            if position < 0:
                position = frame.pts - self.facts.start
                if position > first:
                    raise InputError("damaged: a part of it cannot be found by its time stamps")
            skipped = max(first - position, 0)
            position += len(block)
            if skipped < len(block):
                yield block[skipped:]


@contextlib.contextmanager
def media_source(file: BinaryIO, kind: MediaKind) -> Iterator[MediaSource]:
    """Opens the sound of a file; of several sound tracks the first.

    Args:
        file: The file, unbuffered.
        kind: Its kind.

    Raises:
        InputError: If PyAV is not installed, or the file has no sound or cannot be decoded.
    """
    status = os.fstat(file.fileno())
    key = (status.st_dev, *file_version(status))
    if key not in _remembered:
        with _container(file, kind) as container:
            facts = _counted(container, kind, status.st_size)
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        _remembered[key] = facts
    with _container(file, kind) as container:
        yield MediaSource(container, _remembered[key])


@contextlib.contextmanager
def reasons() -> Iterator[None]:
    """Makes a reason of whatever PyAV raises, which is more than its own errors."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        text = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(f"damaged: cannot be decoded ({' '.join(text.split())})") from None


@contextlib.contextmanager
def _container(file: BinaryIO, kind: MediaKind) -> Iterator[Any]:
    try:
        import av
    except ImportError:
        raise InputError(f"{kind.name}: pip install 'asd_tf[media]' to read it") from None
    file.seek(0)
    with reasons():
        container = av.open(
            file, format=kind.demuxer, buffer_size=_BUFFER, metadata_errors="replace"
        )
    with contextlib.closing(container):
        if not container.streams.audio:
            raise InputError(f"{kind.name} without sound")
        yield container


def _counted(container: Any, kind: MediaKind, size: int) -> Facts:
    """Decodes a file and keeps nothing of it."""
    stream = container.streams.audio[0]
    facts: Facts | None = None
    count, start, is_exact = 0, 0, kind.is_exact
    for frame, block in _decoded(container):
        if facts is None:
            start = frame.pts or 0
            facts = Facts(frame.sample_rate, block.shape[1], 0, start, False)
        is_exact &= frame.pts == start + count and frame.time_base * facts.sample_rate == 1
        count += len(block)
        if count > size * _MOST_TO_A_BYTE:
            raise InputError(f"damaged: {size} bytes cannot hold {count} samples")
    if facts is None:
        raise InputError("no samples")
    if kind.is_exact:
        count = _without_padding(stream, facts, count)
    return dataclasses.replace(facts, frames=count, is_exact=is_exact)


def _without_padding(stream: Any, facts: Facts, count: int) -> int:
    """Returns the samples up to the end that the container states, without the encoder's padding.

    Raises:
        InputError: If there are fewer, by more than the length of a few packets.
    """
    if stream.duration is None:
        return count
    end = (stream.start_time or 0) + stream.duration - facts.start
    stated = round(fractions.Fraction(end) * stream.time_base * facts.sample_rate)
    if stated > count + facts.sample_rate:
        raise InputError(f"truncated: its header states {stated} samples, {count} can be decoded")
    return min(count, stated) if stated > 0 else count


def _decoded(container: Any, facts: Facts | None = None) -> Iterator[tuple[Any, np.ndarray]]:
    """Yields the frames of the first sound track, and their samples [n, channels] float32."""
    kind = None if facts is None else (facts.sample_rate, facts.channels)
    frames = container.decode(container.streams.audio[0])
    while True:
        with reasons():
            frame = next(frames, None)
            if frame is None:
                return
            block = _samples(frame)
        if kind is None:
            kind = (frame.sample_rate, block.shape[1])
        if (frame.sample_rate, block.shape[1]) != kind:
            raise InputError("its sample rate or number of channels changes: split it")
        if len(block):
            yield frame, block


def _samples(frame: Any) -> np.ndarray:
    values = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels)
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / 128
    if np.issubdtype(values.dtype, np.integer):
        scale = 2.0 ** (8 * values.dtype.itemsize - 1)
        return (values / scale).astype(np.float32)
    return values.astype(np.float32)
