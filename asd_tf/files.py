"""Files that are written whole or not at all, and their checksums."""

import contextlib
import glob
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# Where pyarrow is installed, pandas would keep texts in its arrays, which hold no names of files
# that are not UTF-8.
pd.set_option("mode.string_storage", "python")

# Names of what is not yet, or no longer, what its name says, in the folder where that belongs.
_PART, _OLD = ".part-", ".old-"

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path beside `path` that takes its name when the block succeeds.

    Works for files and for folders; a folder that is already there is replaced. When the block
    raises, nothing is left behind and `path` is as it was. What a killed process leaves behind is
    removed by `clear_leftovers`.

    Args:
        path: The final name. Its parent folder is made if needed. Of a link, what it leads to is
            replaced, and the link stays.

    Yields:
        The temporary path to write to.
    """
    path = Path(path)
    if path.is_symlink():
        path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    # The real name comes last, because some writers choose their format by the suffix.
    temporary = path.parent / f"{_PART}{secrets.token_hex(4)}-{path.name}"
    try:
        yield temporary
        if path.is_dir():
            # A folder cannot be renamed over a full one, so the old one is moved away first.
            replaced = path.parent / f"{_OLD}{secrets.token_hex(4)}-{path.name}"
            path.rename(replaced)
            temporary.rename(path)
            shutil.rmtree(replaced)
        else:
            temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)


def is_leftover(name: str) -> bool:
    """Returns whether a file or folder of this name was left by a process that was killed."""
    return name.startswith((_PART, _OLD))


def clear_leftovers(folder: Path) -> None:
    """Removes what killed processes left below a folder, in which no process is writing.

    A folder that was moved away for a new one is moved back if the new one has not come.
    """
    for old in sorted(folder.rglob(f"{_OLD}*")):
        place = old.with_name(old.name.removeprefix(_OLD).partition("-")[2])
        if old.exists() and not place.exists():
            old.rename(place)
    for name in (_OLD, _PART):
        for path in sorted(folder.rglob(f"{name}*")):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def clear_parts_of(path: Path) -> None:
    """Removes what killed processes left of `path`, which no process is writing."""
    for part in path.parent.glob(f"{_PART}????????-{glob.escape(path.name)}"):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def work_folder(path: Path) -> Iterator[Path]:
    """Yields a folder beside `path` for what it is made of, which is removed afterwards.

    What a killed process leaves behind is removed by `clear_parts_of`.
    """
    folder = path.parent / f"{_PART}{secrets.token_hex(4)}-{path.name}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_array(path: str | os.PathLike, shape: tuple[int, ...]) -> np.memmap:
    """Makes a .npy file of float32 numbers, mapped into memory; its space on disk is reserved.

    Without the reservation a disk that gets full would kill the process at some later write.

    Args:
        path: The file.
        shape: Shape of the array.

    Raises:
        OSError: If the disk has no space for it.
    """
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    if array.nbytes and hasattr(os, "posix_fallocate"):
        with Path(path).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    return array


def write_seal(path: Path) -> None:
    """Writes the SHA-256 of a file beside it, for `is_intact`."""
    write_text(_seal_of(path), sha256_of(path))


def is_intact(path: Path) -> bool:
    """Returns whether a file is there as it was when its seal was written."""
    try:
        return _seal_of(path).read_text(encoding="utf-8") == sha256_of(path)
    except OSError:
        return False


def _seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes `text` as UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Writes `value` as indented JSON; NaN and infinity are errors, since JSON has neither.

    Raises:
        ValueError: If `value` holds a number that JSON cannot say.
    """
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: str | os.PathLike) -> Any:
    """Reads a JSON file.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not JSON.
    """
    return json.loads(Path(path).read_text(encoding="utf-8"))


def is_utf8(name: str) -> bool:
    """Returns whether the name of a file is UTF-8; Linux permits any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_csv(path: str | os.PathLike, frame: pd.DataFrame, defuse: bool = False) -> None:
    """Writes a table as CSV without its index, floats with all their digits.

    Bytes of a file name that are not UTF-8 are written as escapes.

    Args:
        path: The file.
        frame: The table.
        defuse: Whether people will open the file with a spreadsheet; see `defused`.
    """
    if defuse:
        texts = frame.select_dtypes(exclude=["number", "bool"])
        frame = frame.assign(**{name: texts[name].map(defused) for name in texts})
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, errors="backslashreplace")


def defused(cell: Any) -> Any:
    """Returns a cell that no spreadsheet takes for a formula: a text that might be gets a quote."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in _FORMULA else cell


def sha256_of(path: str | os.PathLike) -> str:
    """Returns the SHA-256 of a file as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_names(folder: Path) -> list[str]:
    """Returns the names of all files below a folder, relative to it, sorted."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def folder_digest(folder: Path) -> str:
    """Returns one SHA-256 over the names and contents of all files of a folder."""
    lines = [f"{name} {sha256_of(folder / name)}\n" for name in file_names(folder)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
