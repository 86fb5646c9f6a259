"""Scores many recordings, a batch at a time; a work file keeps the batches that are finished."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

import asd_tf
from asd_tf.data.fingerprints import fingerprints_of
from asd_tf.data.layouts.inputs import Inputs
from asd_tf.detector import Detector
from asd_tf.detector.health import Tally
from asd_tf.service.work_file import Row, WorkFile

# What of a window its score depends on, beside the content of its file.
_IDENTITY = ("clip_id", "path", "start_s", "duration_s", "channel", "machine", "section")


class Batch(NamedTuple):
    """Recordings that were scored together.

    Attributes:
        recordings: Their clip table.
        rows: The values of their rows, in the order of the columns; None where there is none.
        key: Its key in the work file; empty without one.
    """

    recordings: pd.DataFrame
    rows: Sequence[Row]
    key: str


class BulkScoring:
    """Scores recordings; memory does not grow with their number.

    The batches, and with them every digit of the scores, do not depend on what a work file holds.

    Args:
        detector: The detector.
        inputs: The recordings.
        columns: The columns of a row: those of `Detector.score`, where `path` is the recording.
        machine: See `Detector.score`.
        section: See `Detector.score`.
        per: See `Detector.score`.

    Attributes:
        tally: What was seen of machines that are off, in what was scored now, and of the sensor.
    """

    def __init__(
        self,
        detector: Detector,
        inputs: Inputs,
        columns: Iterable[str],
        *,
        machine: str | None = None,
        section: str | None = None,
        per: str = "recording",
    ):
        self._detector, self._inputs, self._columns = detector, inputs, list(columns)
        self._machine, self._section, self._per = machine, section, per
        self.tally = Tally(per)

    def command(self, arguments: Sequence[str]) -> dict[str, Any]:
        """Returns what a work file is bound to.

        Args:
            arguments: The paths as they were given.
        """
        return {
            "detector": self._detector.manifest["digest"],
            "versions": [asd_tf.__version__, tf.__version__],
            "columns": self._columns,
            "per": self._per,
            "machine": self._machine,
            "section": self._section,
            "thresholds": self._thresholds_digest(),
            "paths": hashlib.sha256(json.dumps(list(arguments)).encode()).hexdigest(),
        }

    def _thresholds_digest(self) -> str:
        """Returns the SHA-256 of all thresholds, which are not always those of the manifest."""
        found = [[*group, of.to_json()] for group, of in self._detector.thresholds.items()]
        return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()

    def found_in(self, work: WorkFile) -> tuple[int, int]:
        """Returns how many recordings, and batches, of a work file are as they were.

        All files are opened for it, and read in part.
        """
        found = [len(some) for some, windows in self._batches() if _key(windows) in work]
        return sum(found), len(found)

    def batches(
        self, work: WorkFile | None = None, progress: Callable[[float], Any] = lambda done: None
    ) -> Iterator[Batch]:
        """Yields the batches in the order of the recordings.

        Args:
            work: Where batches are kept, and taken from; None to score all.
            progress: Called with the number of recordings that are newly done, also a fraction.
        """
        for recordings, windows in self._batches():
            key = "" if work is None else _key(windows)
            if work is not None and key in work:
                rows = work.rows(key)
                self._count(rows)
                progress(len(recordings))
            else:
                share = len(recordings) / max(len(windows), 1)
                rows = self._scored(windows, _scaled(progress, share))
                if work is not None:
                    work.append(key, rows)
            yield Batch(recordings, rows, key)

    def _batches(self) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
        """Yields the recordings of each batch, and their windows."""
        for clips in self._inputs.tables():
            for windows in self._detector.batches(
                clips, machine=self._machine, section=self._section
            ):
                yield clips[clips["recording_id"].isin(windows["recording_id"])], windows

    def _count(self, rows: Sequence[Row]) -> None:
        named = [dict(zip(self._columns, row, strict=True)) for row in rows]
        of_recordings = [row for row in named if self._per != "both" or row["per"] == "recording"]
        self.tally.add_sensors([row["sensor"] for row in of_recordings])

    def _scored(self, windows: pd.DataFrame, progress: Callable[[int], None]) -> list[Row]:
        table, _ = self._detector.score_batch(
            windows, section=self._section, per=self._per, progress=progress, tally=self.tally
        )
        names = table["clip_id" if self._per == "recording" else "recording_id"]
        table = table.assign(path=names)[self._columns]
        return [tuple(map(_plain, row)) for row in table.itertuples(index=False, name=None)]


def _scaled(progress: Callable[[float], Any], factor: float) -> Callable[[int], None]:
    def scaled(done: int) -> None:
        progress(done * factor)

    return scaled


def _plain(value: Any) -> Any:
    """Returns a value as Python and JSON have it; None for what is missing."""
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _key(windows: pd.DataFrame) -> str:
    """Names all that the scores of a batch depend on, but the detector and the arguments."""
    files = windows["clip_id"].map(fingerprints_of(windows))
    text = windows[list(_IDENTITY)].assign(file=files).to_csv(index=False)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
