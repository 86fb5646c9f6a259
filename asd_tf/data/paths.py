"""Clip tables of files that a user names one by one, as `asd-score` gets them."""

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from asd_tf.data.clips import check_clips
from asd_tf.data.dcase import identify
from asd_tf.data.listing import AUDIO_SUFFIXES
from asd_tf.errors import InputError


def clips_of_files(paths: Iterable[str | Path], channel: int | None = None) -> pd.DataFrame:
    """Builds the clip table of files and of all audio files below folders.

    Args:
        paths: Files, of any name, and folders.
        channel: To hear; None for the mean of all.

    Returns:
        The clip table: clip_id is the path as given, machine, section and domain come from the path
        (see `identify`) and are missing where it does not tell them, split is `test`.

    Raises:
        InputError: If a path does not exist, or there is no audio file at all.
    """
    files = [file for path in paths for file in _files_of(Path(path))]
    if not files:
        raise InputError(
            f"no audio file there; looked for {', '.join(AUDIO_SUFFIXES)} in the folders given"
        )
    files = list(dict.fromkeys(files))
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
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    if path.is_file():
        return [path]
    return sorted(
        Path(folder, name)
        for folder, _, names in os.walk(path)
        for name in names
        if name.lower().endswith(AUDIO_SUFFIXES)
    )
