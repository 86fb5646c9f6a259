"""The files that a year's challenge asks for: scores and decisions of the evaluation clips."""

import csv
import dataclasses
import io
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from types import MappingProxyType

import pandas as pd

from asd_tf.evaluation.sections import tested_clips
from asd_tf.files import atomic_path

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "dcase2020": "{machine}_id_{section}.csv",
        "dcase2021": "{machine}_section_{section}_{domain}_test.csv",
        **{f"dcase{year}": "{machine}_section_{section}_test.csv" for year in range(2022, 2027)},
    }
)
"""What follows `anomaly_score_` and `decision_result_` in the names of a dataset's files."""

_WITHOUT_DECISIONS = ("dcase2020",)


@dataclasses.dataclass(frozen=True)
class Submission:
    """What would be handed in.

    Attributes:
        files: Name to text: a line `file name,value` for each clip, sorted, without a header.
        left_out: Name to the reason why this file is none of them.
    """

    files: dict[str, str]
    left_out: dict[str, str]


def make_submission(scored: pd.DataFrame, dataset: str) -> Submission:
    """Makes the submission files of the evaluation test clips; nobody needs their labels.

    The official evaluators match lines by their order, and stop at a file with fewer lines than
    clips. A section in which a clip has no score or no decision therefore has no such file.

    Args:
        scored: The scored table.
        dataset: Name of the dataset; one that is no edition of DCASE has no files.
    """
    files, left_out = {}, {}
    if dataset in _NAMES:
        clips = tested_clips(scored)
        for name, column, group in _parts(clips[clips["subset"] == "eval"], dataset):
            missing = int(group[column].isna().sum())
            if missing:
                left_out[name] = f"{missing} of {len(group)} clips without a {column}"
            else:
                files[name] = _text(group, column)
    return Submission(files, left_out)


def _parts(clips: pd.DataFrame, dataset: str) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yields the name of each file, the column that it holds and its clips."""
    keys = ["machine", "section"]
    if "{domain}" in _NAMES[dataset]:
        clips = clips.assign(domain=clips["is_target"].map({True: "target", False: "source"}))
        keys.append("domain")
    for key, group in clips.groupby(keys, sort=True):
        name = _NAMES[dataset].format(**dict(zip(keys, key, strict=True)))
        yield f"anomaly_score_{name}", "score", group
        if dataset not in _WITHOUT_DECISIONS:
            yield f"decision_result_{name}", "decision", group


def _text(clips: pd.DataFrame, column: str) -> str:
    kind = float if column == "score" else int
    names = (PurePath(path).name for path in clips["path"])
    rows = sorted(zip(names, map(kind, clips[column]), strict=True))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_submission(submission: Submission, folder: str | os.PathLike) -> None:
    """Writes the files in place of what an earlier evaluation wrote, all or none of them.

    Args:
        submission: What to write; without files the folder is removed.
        folder: Of these files alone.
    """
    if not submission.files:
        shutil.rmtree(folder, ignore_errors=True)
        return
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        for name, text in submission.files.items():
            (Path(temporary) / name).write_text(text, encoding="utf-8", newline="\n")
