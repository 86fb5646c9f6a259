"""Headers of audio files: what a file states of itself, checked before anything is decoded."""

import contextlib
import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import soundfile

from asd_tf.data.decoding.containers import check_container
from asd_tf.data.decoding.media import MediaSource, media_source
from asd_tf.data.decoding.media_kinds import media_kind, table_kind
from asd_tf.errors import InputError
from asd_tf.files import is_utf8

# Beyond these a header is more likely damaged than true; a sample rate sets the cost of resampling.
SAMPLE_RATES = (1_000, 768_000)
CHANNELS = (1, 64)

# Bytes of a sample of one channel, 0 where samples are compressed; by format and kind, as
# libsndfile names them. Left out is what libsndfile 1.2 does not read reliably: it returns other
# samples of a part of an Opus file than of the whole, and prints warnings of MP3 files. PyAV reads
# these two, see `media_kinds`.
_PCM = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
KINDS: dict[str, dict[str, int]] = {
    "WAV": {"PCM_U8": 1, **_PCM},
    "AIFF": _PCM,
    "FLAC": {"PCM_S8": 0, "PCM_16": 0, "PCM_24": 0},
    "OGG": {"VORBIS": 0},
}

# Samples of a channel to a byte: silence in FLAC has some 6,000 (65,535 to a frame of 11 bytes).
_MOST_TO_A_BYTE = 8192

# Windows opens nothing that would block.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclasses.dataclass(frozen=True)
class Header:
    """What the header of an audio file states.

    Attributes:
        sample_rate: Sample rate in Hz, within `SAMPLE_RATES`.
        channels: Number of channels, within `CHANNELS`.
        frames: Number of samples of a channel, above 0.
        samples_at: Byte at which the samples of a 16-bit WAV file begin; -1 for all other files.
    """

    sample_rate: int
    channels: int
    frames: int
    samples_at: int = -1

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


def read_header(path: str | Path) -> Header:
    """Reads and checks the header of a file, but not its samples.

    Args:
        path: A WAV, FLAC, OGG or AIFF file, or one of the kinds that PyAV reads (`media_kinds`),
            which is decoded once in a process to count its samples.

    Raises:
        InputError: If the file is missing, not a regular file, empty, truncated, not audio, of a
            kind that is not supported, has no samples, or states what cannot be. The message is
            the reason alone, without the path.
    """
    with opened(path) as (source, header):
        if isinstance(source, soundfile.SoundFile) and source.format == "FLAC":
            _check_end(source)
        return header


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[tuple[soundfile.SoundFile | MediaSource, Header]]:
    """Opens an audio file, checks its header, and closes it at the end.

    Raises:
        InputError: See `read_header`; also for whatever libsndfile refuses while the file is open.
    """
    try:
        with _regular_file(path) as file:
            if (kind := media_kind(file)) is not None:
                if kind.demuxer == "ogg":
                    check_container(file)
                with media_source(file, kind) as media:
                    facts = media.facts
                    header = Header(facts.sample_rate, facts.channels, facts.frames)
                    yield media, _within_limits(header)
                return
            samples_at = check_container(file)
            try:
                # By descriptor: what was checked is decoded, even if the name changes hands.
                with soundfile.SoundFile(file.fileno(), closefd=False) as source:
                    yield source, _checked(source, os.fstat(file.fileno()).st_size, samples_at)
            except soundfile.SoundFileError:
                if (table := table_kind(file)) is None:
                    raise
                raise InputError(
                    f"{table}, no audio file: docs/recordings.md shows how to make one of it"
                ) from None
    except OSError as error:
        raise InputError(error.strerror or "cannot be read") from None
    except soundfile.SoundFileError:
        raise InputError("not an audio file, or its header is damaged") from None


@contextlib.contextmanager
def _regular_file(path: str | Path) -> Iterator[BinaryIO]:
    if not is_utf8(str(path)):
        raise InputError("its name is not UTF-8, as tables are: rename it")
    if "\0" in str(path):
        raise InputError("its name has a null character")
    # Opening a pipe would block without O_NONBLOCK.
    with open(os.open(path, _FLAGS), "rb", buffering=0) as file:  # noqa: PTH123 (a descriptor)
        status = os.fstat(file.fileno())
        if stat.S_ISDIR(status.st_mode):
            raise InputError("Is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise InputError("not a file but a device, a pipe or a socket")
        if status.st_size == 0:
            raise InputError("the file is empty")
        yield file


def _check_end(source: soundfile.SoundFile) -> None:
    """Checks that a FLAC file has its last sample, which its header does not tell."""
    try:
        source.seek(source.frames - 1)
        found = len(source.read(1, dtype="float32"))
    except soundfile.SoundFileError:
        found = 0
    if not found:
        raise InputError(
            f"damaged or truncated: its header states {source.frames} samples, and the last "
            "cannot be decoded"
        )


def _checked(source: soundfile.SoundFile, size: int, samples_at: int) -> Header:
    """Returns the header of an open file of `size` bytes."""
    kind = "WAV" if source.format == "WAVEX" else source.format
    if source.subtype not in KINDS.get(kind, {}):
        raise InputError(
            f"{source.format} of kind {source.subtype} is not supported: convert it to 16-bit wav"
        )
    header = _within_limits(Header(source.samplerate, source.channels, source.frames))
    width = KINDS[kind][source.subtype]
    most = size // (width * header.channels) if width else size * _MOST_TO_A_BYTE
    if header.frames > most:
        raise InputError(
            f"truncated: its header states {header.frames} samples, {size} bytes hold {most}"
        )
    if (kind, source.subtype) == ("WAV", "PCM_16"):
        return dataclasses.replace(header, samples_at=samples_at)
    return header


def _within_limits(header: Header) -> Header:
    for name, unit, value, (least, most) in (
        ("sample rate", " Hz", header.sample_rate, SAMPLE_RATES),
        ("number of channels", "", header.channels, CHANNELS),
    ):
        if not least <= value <= most:
            raise InputError(f"a {name} of {value}{unit}: {least} to {most}{unit} can be read")
    if header.frames <= 0:
        raise InputError("no samples")
    return header
