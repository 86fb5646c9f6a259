"""Tables of results as CSV, JSON lines or Parquet, on the standard output or whole in a file."""

import contextlib
import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pandas as pd

from asd_tf.cli import app
from asd_tf.errors import UsageError
from asd_tf.files import atomic_path, defused

FORMATS = ("csv", "jsonl", "parquet")

Write = Callable[[pd.DataFrame], None]


def format_of(name: str | None, output: str | None) -> str:
    """Returns the format: as named, else by the suffix of the file, else CSV.

    Raises:
        UsageError: If it cannot be written there, or needs a package that is not installed.
    """
    suffix = Path(output or "").suffix.lower().removeprefix(".")
    chosen = name or (suffix if suffix in FORMATS else "csv")
    if chosen == "parquet":
        if output is None:
            raise UsageError("--format=parquet: name the file with --output")
        try:
            import pyarrow  # noqa: F401 (pandas needs it)
        except ImportError:
            raise UsageError(
                "--format=parquet: needs pyarrow (pip install 'asd_tf[parquet]'); or use jsonl"
            ) from None
    return chosen


@contextlib.contextmanager
def table_writer(columns: Sequence[str], kind: str, output: str | None) -> Iterator[Write]:
    """Yields a function that writes rows at once; a file takes its name when all are written.

    Args:
        columns: The columns to write; missing values are empty, or null.
        kind: One of `FORMATS`.
        output: The file; None for the standard output.
    """
    if output is None:
        yield _text_writer(columns, kind, sys.stdout)
        return
    with atomic_path(output) as temporary:
        if kind == "parquet":
            tables: list[pd.DataFrame] = []
            yield lambda rows: tables.append(_printable(rows[list(columns)]))
            pd.concat(tables, ignore_index=True).to_parquet(temporary, index=False)
            return
        with temporary.open("w", encoding="utf-8", newline="") as file:
            yield _text_writer(columns, kind, file)


def _text_writer(columns: Sequence[str], kind: str, file: IO[str]) -> Write:
    lines = csv.writer(file, lineterminator="\n")
    if kind == "csv":
        lines.writerow(columns)

    def write(rows: pd.DataFrame) -> None:
        for values in rows[list(columns)].itertuples(index=False, name=None):
            if kind == "csv":
                lines.writerow([_cell(value) for value in values])
            else:
                named = dict(zip(columns, map(_value, values), strict=True))
                file.write(json.dumps(named, ensure_ascii=False, allow_nan=False) + "\n")
        file.flush()

    return write


def _cell(value: Any) -> str:
    return "" if pd.isna(value) else app.printable(str(defused(value)))


def _value(value: Any) -> Any:
    if pd.isna(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    return app.printable(value) if isinstance(value, str) else value


def _printable(rows: pd.DataFrame) -> pd.DataFrame:
    texts = rows.select_dtypes(exclude=["number", "bool"])
    return rows.assign(**{name: [_value(value) for value in texts[name]] for name in texts})
