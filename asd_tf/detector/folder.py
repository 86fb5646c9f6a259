"""The files of a detector's folder: plain files within limits, each with its SHA-256."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from asd_tf.errors import InputError, UsageError
from asd_tf.files import sha256_of

MAX_FILES = 50_000
MAX_BYTES = 64 * 2**30
_MAX_DEPTH = 32


def detector_in(folder: str | Path) -> Path:
    """Returns the folder of a detector, given that folder or that of the run that made it."""
    folder = Path(folder)
    inside = folder / "detector"
    return inside if (inside / "detector.json").exists() else folder


def check_outside(path: Path, folder: Path) -> None:
    """Refuses to write into the folder of a detector, where a file would be a foreign one.

    Args:
        path: The file or folder to write.
        folder: The folder of the detector.

    Raises:
        UsageError: If it lies in the folder.
    """
    if path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"{path}: is in the folder of the detector, which is sealed; choose a path outside"
        )


def digests_of(folder: Path, left_out: frozenset[str]) -> dict[str, str]:
    """Returns the SHA-256 of each file by its relative name, sorted.

    Args:
        folder: The folder.
        left_out: Relative names of files that are not wanted.

    Raises:
        InputError: If it holds links, devices or more than a detector has.
    """
    names = sorted(set(plain_files(folder)) - left_out)
    return {name: sha256_of(folder / name) for name in names}


def check_files(folder: Path, digests: Mapping[str, str], left_out: frozenset[str]) -> None:
    """Checks that a folder holds the files that it should, and no others.

    Args:
        folder: The folder.
        digests: The SHA-256 of each file by its relative name.
        left_out: Relative names of files that are not checked.

    Raises:
        InputError: If a file is missing, altered or foreign, or is a link.
    """
    present, listed = set(plain_files(folder)) - left_out, set(digests)
    for problem, names in (
        ("missing", listed - present),
        ("foreign", present - listed),
        ("altered", {n for n in present & listed if sha256_of(folder / n) != digests[n]}),
    ):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise InputError(
                f"{folder}: {problem} file {sorted(names)[0]}{more}; take a fresh copy"
            )


def plain_files(folder: Path) -> dict[str, int]:
    """Returns the size of each file by its relative name.

    Raises:
        InputError: If it holds links, devices or more than a detector has.
    """
    files: dict[str, int] = {}
    for name, info in _entries(folder, "", _MAX_DEPTH):
        files[name] = info.st_size
        if len(files) > MAX_FILES:
            raise InputError(f"{folder}: has more than {MAX_FILES} files, and is no detector")
    if sum(files.values()) > MAX_BYTES:
        raise InputError(f"{folder}: has more than {MAX_BYTES >> 30} GiB, and is no detector")
    return files


def _entries(folder: Path, inside: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    """Yields relative name and status of each file; folders may be `depth` deep."""
    with os.scandir(folder / inside) as entries:
        for entry in entries:
            name = f"{inside}{entry.name}"
            info = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode) and depth:
                yield from _entries(folder, f"{name}/", depth - 1)
            elif stat.S_ISREG(info.st_mode):
                yield name, info
            else:
                raise InputError(
                    f"{folder}: {name} is a link or no plain file, which a detector has not: "
                    "copy it with its content (cp -rL)"
                )
