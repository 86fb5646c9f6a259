"""Clip tables of files and folders that are named one by one, as for `asd-score`."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from asd_tf.data.clips import check_clips
from asd_tf.data.layouts.dcase import identify
from asd_tf.data.layouts.file_index import AUDIO_SUFFIXES, list_files
from asd_tf.errors import InputError


def clips_of_files(paths: Iterable[str | Path], channel: int | None = None) -> pd.DataFrame:
    """Builds the clip table of files and of all audio files below folders.

    Args:
        paths: Files of any name, and folders.
        channel: The channel to use, from 0; None for the mean of all.

    Returns:
        See `table_of_files`.

    Raises:
        InputError: See `files_below`.
    """
    return table_of_files(files_below(paths), channel)


def files_below(paths: Iterable[str | Path]) -> list[Path]:
    """Lists files and all audio files below folders, each once.

    Raises:
        InputError: If no path exists, a folder cannot be listed, or there is no audio file. A path
            that has gone among others is a file that cannot be read.
    """
    given = [Path(path) for path in paths]
    # Unlike Path.exists, os.path.exists is no error where a folder may not be read.
    if given and not any(os.path.exists(path) for path in given):  # noqa: PTH110
        raise InputError(f"{given[0]}: there is no such file or folder")
    files = [file for path in given for file in _files_of(path)]
    if not files:
        raise InputError(
            "no audio file there; looked for .wav, .flac, .ogg, .m4a, .mp4 and "
            f"{len(AUDIO_SUFFIXES) - 5} other suffixes of audio and video in the folders given"
        )
    return list(dict.fromkeys(files))


def table_of_files(files: Sequence[Path], channel: int | None = None) -> pd.DataFrame:
    """Builds the clip table of files.

    Args:
        files: Files of any name.
        channel: The channel to use, from 0; None for the mean of all.

    Returns:
        The clip table. The clip_id is the path as given; machine, section and domain come from the
        path (see `identify`) and are missing where it does not state them; the split is `test`.
    """
    machines, sections, domains = zip(*(identify(file.absolute()) for file in files), strict=True)
    return check_clips(
        pd.DataFrame(
            {
                "clip_id": [file.as_posix() for file in files],
                "path": [str(file.absolute()) for file in files],
                "channel": pd.array([channel] * len(files), "Int64"),
                "machine": machines,
                "section": sections,
                "domain": domains,
                "split": "test",
                "subset": "eval",
            }
        )
    )


def _files_of(path: Path) -> list[Path]:
    # Also a pipe is a file, which cannot be read.
    if not os.path.isdir(path):  # noqa: PTH112 (as above)
        return [path]
    return sorted(path / name for name in list_files(path).audio)
