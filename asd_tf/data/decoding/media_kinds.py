"""Files that libsndfile cannot read, told by their first bytes; their names do not count."""

from collections.abc import Callable
from typing import BinaryIO, NamedTuple

_HEAD = 512
_ID3_HEADER = 10
_TS_PACKET, _M2TS_PACKET = 188, 192


class MediaKind(NamedTuple):
    """A kind of file that PyAV reads.

    Attributes:
        name: What it is called in messages.
        demuxer: The one demuxer of FFmpeg that is used for it. Among those that FFmpeg would try
            are playlists, which open other files.
        is_exact: Whether the file states at which sample each packet begins, so that a part can be
            decoded without what comes before.
    """

    name: str
    demuxer: str
    is_exact: bool = False


MP4 = MediaKind("an MP4 file (m4a, mp4, mov, 3gp)", "mov", is_exact=True)
OPUS = MediaKind("an Opus file", "ogg")

_MATROSKA = MediaKind("a Matroska file (mkv, mka, webm)", "matroska")
_AVI = MediaKind("an AVI file", "avi")
_MPEG_TS = MediaKind("an MPEG transport stream (ts, mts)", "mpegts")
_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide")

_BY_HEAD: tuple[tuple[MediaKind, Callable[[bytes], bool]], ...] = (
    (MP4, lambda head: head[4:8] in _ATOMS),
    (OPUS, lambda head: head.startswith(b"OggS") and head[28:36] == b"OpusHead"),
    (
        MediaKind("a Windows Media file (wma, wmv)", "asf"),
        lambda head: head.startswith(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")),
    ),
    (MediaKind("an AMR file", "amr"), lambda head: head.startswith(b"#!AMR")),
    (_MATROSKA, lambda head: head.startswith(b"\x1a\x45\xdf\xa3")),
    (_AVI, lambda head: head.startswith(b"RIFF") and head[8:12] == b"AVI "),
    (_MPEG_TS, lambda head: _has_sync_bytes(head, 0, _TS_PACKET)),
    (_MPEG_TS, lambda head: _has_sync_bytes(head, 4, _M2TS_PACKET)),
    (MediaKind("an AAC file", "aac"), lambda head: _is_adts(head)),
    (MediaKind("an MP3 file", "mp3"), lambda head: _is_mpeg_audio(head)),
)


def media_kind(file: BinaryIO) -> MediaKind | None:
    """Returns the kind of a file; None if it is none of those that PyAV reads.

    Args:
        file: The file, unbuffered; it is left at its beginning.
    """
    head = _head_behind_tag(file)
    return next((kind for kind, fits in _BY_HEAD if fits(head)), None)


def table_kind(file: BinaryIO) -> str | None:
    """Returns what a file is if it is a table of numbers or words; None if it is not.

    Args:
        file: The file, unbuffered; it is left at its beginning.
    """
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    if head.startswith(b"PAR1"):
        return "a Parquet table"
    line = head.splitlines()[0] if head.strip() else b""
    is_text = all(byte >= 32 or byte == 9 for byte in line)
    return "a CSV table" if is_text and any(mark in line for mark in (b",", b";", b"\t")) else None


def _head_behind_tag(file: BinaryIO) -> bytes:
    """Reads the first bytes, without the ID3 tag that MP3 and AAC files may begin with."""
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith(b"ID3") and len(head) >= _ID3_HEADER:
        size = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(head[9:5:-1]))
        file.seek(_ID3_HEADER + size)
        head = file.read(_HEAD)
    file.seek(0)
    return head


def _has_sync_bytes(head: bytes, first: int, size: int) -> bool:
    found = head[first::size]
    return len(found) > 1 and set(found) == {0x47}


def _is_adts(head: bytes) -> bool:
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def _is_mpeg_audio(head: bytes) -> bool:
    """Whether there is the header of a frame: all bits of sync, and no value that is reserved."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    return version != 1 and layer != 0 and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3
