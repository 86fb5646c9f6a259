"""The manifest: a CSV list of recordings, or of parts of them.

| column | meaning |
|---|---|
| path | path of the file: below the folder of the manifest, or absolute |
| machine | any name |
| section | 00 where it is empty or there is no such column |
| domain | source or target; empty: not known; no such column: source |
| split | train (where it is empty or missing), test or supplemental |
| label | 0 or normal, 1 or anomaly; empty: not known, and normal in train |
| channel | from 0, or near or far; empty: that of `--channel`, else the mean of all |
| start_s, duration_s | part of a longer file, in seconds; empty: from its start, to its end |

Only path and machine are required. Any other column is an attribute, where it is not empty.
"""

import csv
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from asd_tf.data.clips import VALUES
from asd_tf.data.layouts.channels import parse_channel
from asd_tf.data.part_names import part_suffix
from asd_tf.errors import InputError, UsageError

_LABELS = {"0": 0, "normal": 0, "1": 1, "anomaly": 1}

_NEEDED = ("path", "machine")
_KNOWN = (
    "path", "machine", "section", "domain", "split", "label", "channel", "start_s", "duration_s",
)  # fmt: skip


def manifest_rows(path: str | os.PathLike, split: str = "train") -> list[dict[str, Any]]:
    """Builds the rows of the clip table; no recording is opened.

    The clip_id is the path as it is written, followed by `#12.5-22.5` for a part of a file and by
    `#channel1` for a channel that the manifest names.

    Args:
        path: The manifest.
        split: The split of rows that name none.

    Raises:
        InputError: If the manifest is missing or damaged, a value is wrong, a file is missing or
            lies outside of the manifest's folder, or a clip occurs twice; the message names the
            line.
    """
    path = Path(path)
    rows: list[dict[str, Any]] = []
    lines: dict[str, int] = {}
    for line, cells in _lines_of(path):
        try:
            row = _row(path.absolute().parent, cells, split)
        except (InputError, UsageError) as error:
            raise InputError(f"{path}, line {line}: {error}") from None
        first = lines.setdefault(row["clip_id"], line)
        if first != line:
            raise InputError(f"{path}, line {line}: {row['clip_id']} is in line {first} already")
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: the manifest has no clips")
    _check_files(path, rows, list(lines.values()))
    return rows


def _lines_of(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields line number and cells by column of each line that is not empty."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(path, header)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(header):
                    raise InputError(
                        f"{path}, line {reader.line_num}: {len(cells)} cells, but the header has "
                        f"{len(header)}"
                    )
                values = (cell.strip() for cell in cells)
                yield reader.line_num, dict(zip(header, values, strict=True))
    except OSError as error:
        raise InputError(f"{path}: the manifest cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not text in UTF-8; save the manifest as CSV UTF-8") from None
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: damaged: {error}") from None


def _check_header(path: Path, header: list[str]) -> None:
    for name in _NEEDED:
        if name not in header:
            found = ", ".join(header) or "nothing"
            raise InputError(
                f"{path}, line 1: there is no column '{name}', but {found}; the columns are "
                f"{', '.join(_KNOWN)} and attributes, with commas between them; a table of samples "
                "is made audio as docs/recordings.md shows"
            )
    for name in header:
        if not name or header.count(name) > 1:
            reason = f"the column '{name}' occurs twice" if name else "a column has no name"
            raise InputError(f"{path}, line 1: {reason}")


def _row(folder: Path, cells: Mapping[str, str], default_split: str) -> dict[str, Any]:
    for name in _NEEDED:
        if not cells[name]:
            raise InputError(f"no {name}")
    split = _choice("split", cells.get("split", "")) or default_split
    channel = parse_channel(cells["channel"]) if cells.get("channel") else None
    start = _seconds(cells, "start_s", 0.0, lambda value: value >= 0)
    duration = _seconds(cells, "duration_s", math.nan, lambda value: value > 0)
    file = _checked_path(folder, cells["path"])
    clip_id = file.as_posix() + part_suffix(start, duration)
    return {
        "clip_id": clip_id if channel is None else f"{clip_id}#channel{channel}",
        "path": str(folder / file),
        "start_s": start,
        "duration_s": duration,
        "channel": pd.NA if channel is None else channel,
        "machine": cells["machine"],
        "section": cells.get("section") or "00",
        "domain": _choice("domain", cells.get("domain", "source")),
        "split": split,
        "label": _label(cells.get("label", ""), split),
        "attributes": {
            name: value for name, value in cells.items() if value and name not in _KNOWN
        },
    }


def _checked_path(folder: Path, text: str) -> Path:
    """Returns a path that is absolute, or relative and below the folder."""
    path = Path(os.path.normpath(text))
    if not path.is_absolute() and ".." in path.parts:
        raise InputError(f"{text} lies outside of {folder}; write an absolute path if it is meant")
    return path


def _choice(column: str, value: str) -> str | None:
    if value and value not in VALUES[column]:
        raise InputError(f"{column} '{value}' is not one of {', '.join(map(str, VALUES[column]))}")
    return value or None


def _label(text: str, split: str) -> Any:
    if text and text.lower() not in _LABELS:
        raise InputError(f"label '{text}' is not one of {', '.join(_LABELS)}")
    label = _LABELS.get(text.lower(), 0 if split == "train" else pd.NA)
    if split == "train" and label == 1:
        raise InputError("an anomalous clip in train, where all must be normal; make it test")
    return label


def _seconds(
    cells: Mapping[str, str], name: str, default: float, is_valid: Callable[[float], bool]
) -> float:
    text = cells.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and is_valid(value)):
        raise InputError(f"{name} '{text}' is not a {'length' if default else 'time'} in seconds")
    return value


def _check_files(path: Path, rows: list[dict[str, Any]], lines: list[int]) -> None:
    absent = {file for file in {row["path"] for row in rows} if not Path(file).is_file()}
    missing = [
        (line, row["path"]) for row, line in zip(rows, lines, strict=True) if row["path"] in absent
    ]
    if missing:
        line, file = missing[0]
        more = f", and {len(missing) - 1} more lines" if len(missing) > 1 else ""
        raise InputError(f"{path}, line {line}: there is no file {file}{more}")
