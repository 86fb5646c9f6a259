"""The tables of attributes of DCASE since 2022, for clips whose names do not state attributes."""

import csv
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from asd_tf.data.layouts.dcase import HIDDEN
from asd_tf.data.layouts.file_index import Listing
from asd_tf.errors import InputError

# The folder of a table, the machine and the name of a clip without its suffix.
_Key = tuple[str, str, str]


class AttributeTables:
    """All `attributes_*.csv` of a data folder, read when the first clip is looked up.

    A table has the columns file_name (`fan/train/section_00_...wav`, where the folders may be left
    out) and d1p, d1v, d2p, d2v, ...: names and values of attributes. It holds for clips beside and
    below it; where several tables list a clip, the nearest one counts.

    Args:
        listing: The files of the data folder.
    """

    def __init__(self, listing: Listing):
        self._listing = listing
        self._rows: dict[_Key, dict[str, str]] | None = None

    def find(self, file: str, machine: str) -> dict[str, str]:
        """Returns the attributes of a clip; none where no table lists it.

        Args:
            file: Path of the clip below the data folder.
            machine: Machine of the clip.

        Raises:
            InputError: If a table cannot be read.
        """
        if not self._listing.tables:
            return {}
        if self._rows is None:
            tables = self._listing.tables
            self._rows = {key: values for table in tables for key, values in self._read(table)}
        path = PurePosixPath(file)
        for folder in path.parents:
            values = self._rows.get((folder.as_posix(), machine, path.stem))
            if values is not None:
                return values
        return {}

    def _read(self, table: str) -> Iterator[tuple[_Key, dict[str, str]]]:
        """Yields the key of each clip of a table, and its attributes."""
        path = self._listing.root / table
        folder = PurePosixPath(table).parent.as_posix()
        for row in _table_rows(path):
            # Tables that were made on Windows may have its separators.
            name = PurePosixPath(row["file_name"].strip().replace("\\", "/"))
            machine = name.parts[-3] if len(name.parts) >= 3 else path.parent.name
            numbers = range(1, 1 + len(row))
            pairs = [(row.get(f"d{n}p") or "", row.get(f"d{n}v") or "") for n in numbers]
            values = {key.strip(): value.strip() for key, value in pairs if key not in HIDDEN}
            yield (folder, machine, name.stem), values


def _table_rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if "file_name" not in (reader.fieldnames or []):
                raise InputError(f"{path}: not a table of attributes: it has no column file_name")
            for row in reader:
                if row["file_name"]:
                    yield row
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: the table of attributes is damaged: {error}") from None
