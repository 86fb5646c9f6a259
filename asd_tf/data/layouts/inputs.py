"""What is scored: files, folders and manifests, as clip tables of some recordings at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from asd_tf.data.clips import check_clips
from asd_tf.data.layouts.files import files_below, table_of_files
from asd_tf.data.layouts.manifest import manifest_rows
from asd_tf.errors import InputError

_AT_ONCE = 4096


class Inputs:
    """Recordings in the order in which they were named, those of manifests first.

    Of files only the paths are in memory, and of manifests the tables.

    Args:
        paths: Files, folders, and manifests (`.csv`, see `manifest`), of which each row is a
            recording, whatever its split. The clip_id of a file is its path as given, that of a row
            of a manifest is what `manifest_rows` makes it.
        channel: The channel to use where a manifest names none, from 0; None for the mean of all.

    Raises:
        InputError: If nothing is there, a manifest is wrong, or a recording occurs in two.
    """

    def __init__(self, paths: Iterable[str | Path], channel: int | None = None):
        self._channel = channel
        self._parts: list[list[Path] | pd.DataFrame] = []
        given = [Path(path) for path in paths]
        files = [path for path in given if not _is_manifest(path)]
        for path in filter(_is_manifest, given):
            table = check_clips(pd.DataFrame(manifest_rows(path)))
            table["channel"] = table["channel"].fillna(pd.NA if channel is None else channel)
            self._parts.append(table)
        if files or not given:
            self._parts.append(files_below(files))
        if len(self._parts) > 1:
            self._check_names()

    def __len__(self) -> int:
        """Returns the number of recordings."""
        return sum(len(part) for part in self._parts)

    def tables(self, size: int = _AT_ONCE) -> Iterator[pd.DataFrame]:
        """Yields the clip tables of `size` recordings at a time."""
        for part in self._parts:
            for start in range(0, len(part), size):
                some = part[start : start + size]
                if isinstance(some, pd.DataFrame):
                    yield some.reset_index(drop=True)
                else:
                    yield table_of_files(some, self._channel)

    def table(self) -> pd.DataFrame:
        """Returns the clip table of all."""
        return pd.concat(list(self.tables()), ignore_index=True)

    def _check_names(self) -> None:
        seen: set[str] = set()
        for table in self.tables():
            twice = seen.intersection(table["clip_id"])
            if twice:
                raise InputError(f"{min(twice)}: the recording is named twice")
            seen.update(table["clip_id"])


def _is_manifest(path: Path) -> bool:
    return path.suffix.lower() == ".csv" and not path.is_dir()
