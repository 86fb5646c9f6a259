"""The clip table: one row for each recording or part of a recording.

| column | dtype | meaning |
|---|---|---|
| clip_id | str | unique and stable: the path below the data folder, or in the manifest |
| path | str | absolute path of the file |
| start_s, duration_s | float64 | part of the file, in seconds; no duration: to its end |
| channel | Int64 | channel to use, from 0; missing: the mean of all channels |
| machine, section | str | such as fan, 00; missing where they are not known |
| domain | str | source or target; missing where it is not known |
| split | str | train, test or supplemental |
| label | Int64 | 0 normal, 1 anomalous; missing where it is not known |
| subset | str | dev or eval |
| attributes | object | dict of name to value, in the order of the file name |
| recording_id | str | the recording of which the row is a window; by default the clip_id |
"""

import hashlib
import json
import os
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.errors import InputError
from asd_tf.files import write_csv

DTYPES = {
    "clip_id": "str",
    "path": "str",
    "start_s": "float64",
    "duration_s": "float64",
    "channel": "Int64",
    "machine": "str",
    "section": "str",
    "domain": "str",
    "split": "str",
    "label": "Int64",
    "subset": "str",
    "attributes": "object",
    "recording_id": "str",
}

SUBSETS = ("dev", "eval")

VALUES: dict[str, tuple[int | str, ...]] = {
    "domain": ("source", "target"),
    "split": ("train", "test", "supplemental"),
    "label": (0, 1),
    "subset": SUBSETS,
}

_DEFAULTS = {
    "start_s": 0.0,
    "duration_s": float("nan"),
    "channel": pd.NA,
    "domain": None,
    "label": pd.NA,
    "subset": "dev",
    "attributes": None,
    "recording_id": None,
}


def check_clips(frame: pd.DataFrame) -> pd.DataFrame:
    """Completes and checks a table of clips: all columns, their order, dtypes and a new index.

    Args:
        frame: A table with at least clip_id, path, machine, section and split.

    Returns:
        The clip table.

    Raises:
        InputError: If a clip occurs twice, or a column is missing or holds a wrong value.
    """
    absent = set(DTYPES) - set(_DEFAULTS) - set(frame)
    if absent:
        raise InputError(f"the clip table has no column {sorted(absent)[0]}")
    frame = frame.reset_index(drop=True)
    defaults = {
        column: [default] * len(frame)
        for column, default in _DEFAULTS.items()
        if column not in frame
    }
    frame = frame.assign(**defaults)
    frame["recording_id"] = frame["recording_id"].fillna(frame["clip_id"])
    missing = frame["attributes"].isna()
    frame["attributes"] = [
        {} if is_missing else value
        for is_missing, value in zip(missing, frame["attributes"], strict=True)
    ]
    try:
        clips = frame[list(DTYPES)].astype(DTYPES)
    except (ValueError, TypeError) as error:
        raise InputError(f"the clip table holds a value of a wrong type: {error}") from None
    _check_values(clips)
    return clips


def _check_values(clips: pd.DataFrame) -> None:
    for column in ("clip_id", "path", "split", "subset"):
        missing = clips[column].isna()
        if missing.any():
            raise InputError(f"row {missing.argmax()} of the clip table has no {column}")
    twice = clips["clip_id"].duplicated()
    if twice.any():
        raise InputError(f"{clips['clip_id'][twice].iloc[0]}: the clip occurs twice in the table")
    for column, allowed in VALUES.items():
        wrong = clips[column].notna() & ~clips[column].isin(allowed)
        if wrong.any():
            clip = clips[wrong].iloc[0]
            raise InputError(
                f"{clip['clip_id']}: {column} '{clip[column]}' is not one of "
                f"{', '.join(str(value) for value in allowed)}"
            )
    for column, is_valid in _validity(clips).items():
        if not is_valid.all():
            clip = clips[~is_valid].iloc[0]
            raise InputError(f"{clip['clip_id']}: {column} cannot be {_shown(clip[column])}")


def _validity(clips: pd.DataFrame) -> dict[str, pd.Series]:
    """Returns where values are in their range; a negative number would count from the end."""
    return {
        "start_s": (clips["start_s"] >= 0) & np.isfinite(clips["start_s"]),
        "duration_s": ~(clips["duration_s"] <= 0),
        "channel": ~(clips["channel"] < 0).fillna(False).astype(bool),
        "attributes": clips["attributes"].map(lambda value: isinstance(value, dict)).astype(bool),
    }


def _shown(value: Any) -> str:
    """Returns a value as Python writes it; NumPy 2 would write its type as well."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def clips_digest(clips: pd.DataFrame) -> str:
    """Returns the SHA-256 of all columns but the paths, so that data may be moved."""
    text = _to_write(clips.drop(columns="path")).to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_clips(path: str | os.PathLike, clips: pd.DataFrame) -> None:
    """Writes the table as CSV, with the attributes as JSON."""
    write_csv(path, _to_write(clips))


def load_clips(path: str | os.PathLike) -> pd.DataFrame:
    """Reads the file of `write_clips`.

    Raises:
        InputError: If the file is missing or damaged.
    """
    try:
        frame = pd.read_csv(
            path,
            dtype={name: dtype for name, dtype in DTYPES.items() if name != "attributes"},
            keep_default_na=False,
            na_values=[""],
        )
        frame["attributes"] = [json.loads(value) for value in frame["attributes"]]
    except OSError:
        raise InputError(f"{path}: the clip table is missing") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: the clip table is damaged") from None
    return check_clips(frame)


def _to_write(clips: pd.DataFrame) -> pd.DataFrame:
    """Returns the table with attributes as JSON, and as of old where each row is a recording."""
    if clips["recording_id"].equals(clips["clip_id"]):
        clips = clips.drop(columns="recording_id")
    return clips.assign(attributes=[json.dumps(value) for value in clips["attributes"]])
