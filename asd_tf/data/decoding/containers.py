"""Finds in WAV, AIFF and OGG files what libsndfile passes over in silence."""

import os
import struct
import zlib
from typing import BinaryIO

from asd_tf.errors import InputError

# A damaged or hostile file can hold millions of empty parts; recorders write a dozen chunks, and
# 100,000 pages are a day and more.
_MOST_CHUNKS = 1_000
_MOST_PAGES = 100_000

_PAGE_HEADER = 27
_BEGINS, _ENDS = 2, 4  # flags of a page: first and last of a recording

# The checksums of OGG are those of zlib with the bits of each byte the other way round.
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def check_container(file: BinaryIO) -> int:
    """Checks that a file is whole and holds one recording, as far as its format tells.

    Args:
        file: The file, unbuffered; it is left at its beginning.

    Returns:
        The byte at which the samples of a WAV file begin; -1 for other files.

    Raises:
        InputError: If a file is truncated, chunks or pages are damaged, or an OGG file holds
            several recordings in a row.
    """
    size = os.fstat(file.fileno()).st_size
    name = file.read(4)
    samples_at = -1
    if name == b"RIFF":
        samples_at = _whole_chunk(file, size, b"data", "<4sI", "WAV")
    elif name == b"FORM":
        _whole_chunk(file, size, b"SSND", ">4sI", "AIFF")
    elif name == b"OggS":
        _check_pages(file, size)
    file.seek(0)
    return samples_at


def _whole_chunk(file: BinaryIO, size: int, wanted: bytes, layout: str, kind: str) -> int:
    """Returns where the contents of the chunk of the samples begin."""
    position = 12
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            break
        name, length = struct.unpack(layout, head)
        if name == wanted:
            end = position + 8 + length
            if end > size:
                raise InputError(f"truncated: its header states {end} bytes, the file has {size}")
            return position + 8
        # A chunk of an odd length is followed by one byte of padding.
        position += 8 + length + length % 2
    raise InputError(f"its {kind} header is damaged")


def _check_pages(file: BinaryIO, size: int) -> None:
    """Looks for damaged pages, which libsndfile skips, and a second recording, which it ignores."""
    position, flags, streams = 0, 0, 0
    for _ in range(_MOST_PAGES):
        if position == size:
            return
        file.seek(position)
        head = file.read(_PAGE_HEADER)
        if head[:4] != b"OggS" or len(head) < _PAGE_HEADER:
            # Some players append tags.
            if flags & _ENDS:
                return
            raise InputError(f"damaged or truncated: no page of OGG at byte {position}")
        flags = head[5]
        streams += bool(flags & _BEGINS)
        if streams > 1:
            raise InputError("a chained OGG file, several recordings in one: split it")
        lengths = file.read(head[26])
        body = file.read(sum(lengths))
        if _checksum(head[:22] + bytes(4) + head[26:] + lengths + body) != head[22:26]:
            raise InputError(f"damaged or truncated: the page at byte {position} is not as written")
        position += len(head) + len(lengths) + len(body)


def _checksum(page: bytes) -> bytes:
    register = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return register.to_bytes(4, "little").translate(_REVERSED)[::-1]
