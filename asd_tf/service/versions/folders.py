"""Where a new version of a detector goes: beside the old one, which stays as it is."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import filelock

from asd_tf.detector.folder import check_outside
from asd_tf.errors import InputError, UsageError
from asd_tf.files import clear_parts_of

_NUMBERED = re.compile(r"(?P<name>.+)\.v(?P<number>[1-9]\d*)")


@contextlib.contextmanager
def new_version(folder: Path, output: str | Path | None = None) -> Iterator[Path]:
    """Yields the folder to write a new version to, while no other command may write one there.

    What a killed command has left there is removed.

    Args:
        folder: The folder of the detector.
        output: The folder of the new version; by default `NAME.v2` beside it, or the next number
            that is free.

    Raises:
        UsageError: If the folder is there, or inside of that of the detector.
        InputError: If another command is writing a version.
    """
    target = next_folder(folder) if output is None else Path(output)
    if target.exists() or target.is_symlink():
        raise UsageError(f"--output={target}: is there already; choose another folder")
    check_outside(target, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target):
        clear_parts_of(target)
        yield target


def next_folder(folder: Path) -> Path:
    """Returns the folder of the next version: `NAME.v2`, or the next number that is free."""
    folder = folder.absolute() if folder.name in ("", "..") else folder
    match = _NUMBERED.fullmatch(folder.name)
    name, number = (match["name"], int(match["number"])) if match else (folder.name, 1)
    while True:
        number += 1
        target = folder.with_name(f"{name}.v{number}")
        if not target.exists():
            return target


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    path = target.with_name(f".lock-{target.name}")
    lock = filelock.FileLock(path)
    try:
        held = lock.acquire(blocking=False)
    except filelock.Timeout:
        raise InputError(
            f"{target}: another command is writing it; wait for it, or choose another --output"
        ) from None
    with held:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
