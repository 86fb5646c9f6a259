"""The table of alarms that people have judged: `feedback`'s file.

| column | meaning |
|---|---|
| path or clip_id | the recording, relative to the table or to the current folder |
| verdict | `dismissed`: the machine was healthy; `confirmed`: it was not; empty: not judged |
| machine, section, domain | optional; by default those of folder and name |
| comment | optional; kept in the detector |

Other columns, such as those that `asd-score` writes, are not read.
"""

import logging
from pathlib import Path

import pandas as pd

from asd_tf.data.clips import VALUES
from asd_tf.data.layouts.files import table_of_files
from asd_tf.errors import InputError

DISMISSED, CONFIRMED = "dismissed", "confirmed"
VERDICTS = (DISMISSED, CONFIRMED)

_OPTIONAL = ("machine", "section", "domain", "comment")

_logger = logging.getLogger(__name__)


def read_verdicts(path: str | Path, channel: int | None = None) -> pd.DataFrame:
    """Reads the recordings that people have judged.

    Args:
        path: The table, a CSV file in UTF-8.
        channel: The channel to use, from 0; None for the mean of all.

    Returns:
        The clip table, with the columns verdict and comment.

    Raises:
        InputError: If the file is no such table, a verdict or a domain is unknown, or a recording
            is judged twice.
    """
    path = Path(path)
    rows = _rows(path)
    judged = rows[rows["verdict"] != ""].reset_index(drop=True)
    if len(judged) < len(rows):
        _logger.info("%s: %d rows have no verdict", path, len(rows) - len(judged))
    if judged.empty:
        raise InputError(f"{path}: no row has a verdict, which is {' or '.join(VERDICTS)}")
    _check(path, judged)
    files = [_file(path.absolute().parent, name) for name in judged["name"]]
    twice = pd.Series(files).duplicated()
    if twice.any():
        raise InputError(f"{path}: {files[int(twice.argmax())]} is judged twice")
    clips = table_of_files(files, channel)
    for name in ("machine", "section", "domain"):
        clips[name] = judged[name].where(judged[name] != "", clips[name])
    return clips.assign(verdict=judged["verdict"], comment=judged["comment"])


def _rows(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path}: is no table in CSV ({error})") from None
    name = next((name for name in ("path", "clip_id") if name in table), None)
    if name is None or "verdict" not in table:
        found = ", ".join(map(str, table.columns))
        raise InputError(f"{path}: needs the columns path (or clip_id) and verdict, has {found}")
    others = {column: table[column].str.strip() for column in _OPTIONAL if column in table}
    verdict = table["verdict"].str.strip()
    rows = pd.DataFrame({"name": table[name], "verdict": verdict, **others})
    return rows.reindex(columns=["name", "verdict", *_OPTIONAL], fill_value="")


def _check(path: Path, rows: pd.DataFrame) -> None:
    for column, allowed in (("verdict", VERDICTS), ("domain", ("", *VALUES["domain"]))):
        wrong = ~rows[column].isin(allowed)
        if wrong.any():
            raise InputError(
                f"{path}: {column} '{rows[column][wrong].iloc[0]}' is not one of "
                f"{', '.join(word for word in map(str, allowed) if word)}"
            )


def _file(folder: Path, name: str) -> Path:
    """Returns a file that is named relative to the table or, if none is there, as it is named."""
    beside = folder / name
    return beside if beside.exists() else Path(name)
