"""Tables of results as CSV, JSON lines or Parquet, on the standard output or whole in a file."""

import contextlib
import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pandas as pd

from asd_tf.errors import UsageError, printable
from asd_tf.files import atomic_path, defused

FORMATS = ("csv", "jsonl", "parquet")

Write = Callable[[Iterable[Sequence[Any]]], None]

_PARQUET_TYPES = {str: "object", float: "float64", int: "Int64"}
_ROW_GROUP = 2**16  # rows in memory at a time


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
def table_writer(columns: Mapping[str, type], kind: str, output: str | None) -> Iterator[Write]:
    """Yields a function that writes rows at once; a file takes its name when all are written.

    Args:
        columns: The columns and the types of their values: str, float or int; missing values, which
            are None, are empty, or null.
        kind: One of `FORMATS`.
        output: The file; None for the standard output.
    """
    if output is None:
        yield _text_writer(columns, kind, sys.stdout)
        return
    with atomic_path(output) as temporary:
        if kind == "parquet":
            with _parquet_writer(columns, temporary) as write:
                yield write
        else:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                yield _text_writer(columns, kind, file)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())


def _text_writer(columns: Iterable[str], kind: str, file: IO[str]) -> Write:
    lines = csv.writer(file, lineterminator="\n")
    if kind == "csv":
        lines.writerow(columns)

    def write(rows: Iterable[Sequence[Any]]) -> None:
        for values in rows:
            if kind == "csv":
                lines.writerow(map(_cell, values))
            else:
                named = dict(zip(columns, map(_value, values), strict=True))
                file.write(json.dumps(named, ensure_ascii=False, allow_nan=False) + "\n")
        file.flush()

    return write


@contextlib.contextmanager
def _parquet_writer(columns: Mapping[str, type], path: Path) -> Iterator[Write]:
    """Yields a function that writes rows as Parquet, many at a time."""
    import pyarrow
    from pyarrow import parquet

    empty = pd.DataFrame(columns=list(columns)).astype(
        {name: _PARQUET_TYPES[kind] for name, kind in columns.items()}
    )
    strings = {name: pyarrow.string() for name, kind in columns.items() if kind is str}
    schema = pyarrow.Schema.from_pandas(empty, preserve_index=False)
    for name, kind in strings.items():
        schema = schema.set(schema.get_field_index(name), pyarrow.field(name, kind))
    waiting: list[Sequence[Any]] = []
    with parquet.ParquetWriter(path, schema) as file:

        def flush() -> None:
            values = zip(*(map(_value, row) for row in waiting), strict=True)
            arrays = [
                pyarrow.array(list(of_column), field.type)
                for of_column, field in zip(values, schema, strict=True)
            ]
            file.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            waiting.clear()

        def write(rows: Iterable[Sequence[Any]]) -> None:
            for row in rows:
                waiting.append(row)
                if len(waiting) == _ROW_GROUP:
                    flush()

        yield write
        if waiting:
            flush()


def _cell(value: Any) -> str:
    return "" if value is None else printable(str(defused(value)))


def _value(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value
