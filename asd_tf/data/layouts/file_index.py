"""The audio files and tables below a data folder; folders are listed, no file is opened."""

import os
from pathlib import Path
from typing import NamedTuple

from asd_tf.errors import InputError

# Names of files with sound, whether or not they can be read: one that cannot must be named, and is
# never passed over. Whether it can is decided by its contents.
AUDIO_SUFFIXES = (
    ".wav", ".wave", ".flac", ".ogg", ".oga", ".aif", ".aiff", ".aifc",
    ".m4a", ".m4b", ".mp4", ".m4v", ".mov", ".3gp", ".3ga", ".aac", ".amr", ".awb", ".mp3", ".opus",
    ".wma", ".wmv", ".asf", ".mkv", ".mka", ".webm", ".avi", ".mts", ".m2ts",
    ".au", ".snd", ".caf", ".w64", ".rf64", ".ape", ".wv", ".tta", ".ra", ".ac3", ".dsf",
)  # fmt: skip


class Listing(NamedTuple):
    """The files below a data folder: sorted posix paths relative to it.

    Attributes:
        root: The data folder, absolute.
        audio: The audio files.
        tables: The tables of attributes, `attributes_*.csv`.
    """

    root: Path
    audio: list[str]
    tables: list[str]


def list_files(folder: str | os.PathLike) -> Listing:
    """Lists the audio files and tables below a folder, at any depth.

    Linked folders are followed, each real folder once: a link may lead to a folder above it.

    Raises:
        InputError: If the folder is missing, or one below it cannot be listed, so that no clip is
            lost silently.
    """
    root = Path(folder).absolute()
    if not root.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    audio, tables, seen = [], [], set()
    for parent, folders, names in os.walk(root, onerror=_stop, followlinks=True):
        folders.sort()
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        below = Path(parent).relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        for name in names:
            lower = name.lower()
            if lower.endswith(AUDIO_SUFFIXES):
                audio.append(prefix + name)
            elif lower.startswith("attributes_") and lower.endswith(".csv"):
                tables.append(prefix + name)
    return Listing(root, sorted(audio), sorted(tables))


def _stop(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be listed: {error.strerror}")


def some(names: list[str], shown: int = 3) -> str:
    """Joins the first names, and the number of the others."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
