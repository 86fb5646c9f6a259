"""Fingerprints of audio files: whether a file is still the one that features were computed of.

A fingerprint depends on what is in a file, and neither on its name nor on its times, so that data
can be moved and copied. Files of up to 1 MiB, as those of DCASE are, are hashed whole. Of a longer
one, its size and 128 blocks of 8 KiB from its first to its last byte are hashed: another recording
under the same name differs in them, and hours of audio cost no more than a minute of it. An edit in
place that keeps the size and lies between two blocks is not noticed.
"""

import concurrent.futures
import functools
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

_BLOCK = 8192
_BLOCKS = 128
_THREADS = 8

NONE = ""
"""Stands for the fingerprint of a file that is missing or cannot be opened."""


def fingerprints_of(clips: pd.DataFrame) -> dict[str, str]:
    """Returns the clip_id of each clip to the fingerprint of its file, or to `NONE`.

    Args:
        clips: The clip table. Each file is read once, also if several clips are parts of it.
    """
    files = clips["path"].unique()
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        of_file = dict(zip(files, pool.map(fingerprint, files), strict=True))
    return dict(zip(clips["clip_id"], clips["path"].map(of_file), strict=True))


def fingerprint(path: str | os.PathLike) -> str:
    """Returns 32 hexadecimal digits that differ for files that differ; `NONE` without a file."""
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe would block
            return NONE
        return _cached(os.fspath(path), file_version(status))
    except (OSError, ValueError):  # ValueError: a null character in the name
        return NONE


def file_version(status: os.stat_result) -> tuple[int, ...]:
    """Returns what changes, within a machine, whenever a file is written or replaced.

    The time of the last change of the inode is among it, since `touch` and `cp -p` can set back
    that of the contents.
    """
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def changed(stored: Mapping[str, str], found: Mapping[str, str]) -> Iterable[str]:
    """Yields the keys of files whose fingerprint is another than the stored one.

    A file that had no fingerprint, or has none now, is not called changed: nothing is known of it.
    """
    for key, value in found.items():
        if NONE not in (value, stored.get(key, NONE)) and value != stored[key]:
            yield key


@functools.lru_cache(maxsize=2**17)
def _cached(path: str, version: tuple[int, ...]) -> str:
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha256(str(size).encode())
        if size <= _BLOCK * _BLOCKS:
            digest.update(file.read())
        else:
            for number in range(_BLOCKS):
                file.seek(number * (size - _BLOCK) // (_BLOCKS - 1))
                digest.update(file.read(_BLOCK))
    return digest.hexdigest()[:32]
