"""The submission files of the challenge: scores and decisions of the evaluation clips."""

import csv
import dataclasses
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePath

import pandas as pd

from asd_tf.data.layouts.editions import EDITIONS, Edition
from asd_tf.evaluation.section_metrics import select_test_clips
from asd_tf.files import atomic_path


@dataclasses.dataclass(frozen=True)
class Submission:
    """The files of a submission.

    Attributes:
        files: File name to text: a line `file name,value` for each clip, sorted, without a header.
        left_out: Name of a file that cannot be made to the reason.
    """

    files: dict[str, str]
    left_out: dict[str, str]


def make_submission(scored: pd.DataFrame, dataset: str) -> Submission:
    """Makes the submission files of the evaluation test clips, which need no labels.

    The official evaluators match lines by their order, and stop at a file with fewer lines than
    clips. A file is therefore left out if one of its clips lacks the score or the decision.

    Args:
        scored: The scored table.
        dataset: Name of the dataset; there are no files unless it is a DCASE edition.
    """
    files, left_out = {}, {}
    if dataset in EDITIONS:
        clips = select_test_clips(scored)
        clips = clips[clips["subset"] == "eval"]
        for name, column, rows in _clips_by_file(clips, EDITIONS[dataset]):
            missing = int(rows[column].isna().sum())
            if missing:
                left_out[name] = f"{missing} of {len(rows)} clips without a {column}"
            else:
                files[name] = _text(rows, column)
    return Submission(files, left_out)


def _clips_by_file(
    clips: pd.DataFrame, edition: Edition
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yields the name of each file, the column that it holds and its clips."""
    keys = ["machine", "section"]
    if "{domain}" in edition.submission_file:
        clips = clips.assign(domain=clips["is_target"].map({True: "target", False: "source"}))
        keys.append("domain")
    for key, rows in clips.groupby(keys, sort=True):
        name = edition.submission_file.format(**dict(zip(keys, key, strict=True)))
        yield f"anomaly_score_{name}", "score", rows
        if edition.submits_decisions:
            yield f"decision_result_{name}", "decision", rows


def _text(clips: pd.DataFrame, column: str) -> str:
    dtype = float if column == "score" else int
    names = (PurePath(path).name for path in clips["path"])
    lines = sorted(zip(names, map(dtype, clips[column]), strict=True))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def write_submission(submission: Submission, folder: str | os.PathLike) -> None:
    """Writes the files; all of them replace the folder of an earlier evaluation at once.

    Args:
        submission: What to write; if it has no files, the folder is removed.
        folder: A folder that holds nothing else.
    """
    if not submission.files:
        shutil.rmtree(folder, ignore_errors=True)
        return
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        for name, text in submission.files.items():
            (Path(temporary) / name).write_text(text, encoding="utf-8", newline="\n")
