"""The base class of detectors: how one is loaded, and how it scores clips."""

import abc
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.decoding.inspection import inspect_clips
from asd_tf.data.layouts.inputs import Inputs
from asd_tf.detector.deciding.calibrated import Calibrated
from asd_tf.detector.deciding.decisions import SCORED_COLUMNS, decided
from asd_tf.detector.health import Tally
from asd_tf.detector.recordings import Recordings, batches_of
from asd_tf.detector.rows import Items, rows_per
from asd_tf.detector.sealing.manifest import read_manifest
from asd_tf.detector.sections import best_rows, in_all_sections, with_only_section
from asd_tf.errors import InputError
from asd_tf.extraction.store import EmbeddingStore
from asd_tf.scoring.recordings import RecordingPValues
from asd_tf.scoring.scores import Scores

# Number of windows whose features are in memory at a time.
BATCH = 512


class Detector(Calibrated, abc.ABC):
    """Scores clips; higher = more anomalous.

    `Detector.load(folder)` loads one; nothing else of the run that wrote it is needed.

    Its folder, manifest and thresholds are attributes, see `Calibrated`.
    """

    _kinds: dict[str, type["Detector"]] = {}  # noqa: RUF012 (one registry for all subclasses)
    kind: str

    def __init_subclass__(cls, kind: str, **kwargs: Any):
        """Registers a kind of detector under its name in `detector.json`."""
        super().__init_subclass__(**kwargs)
        Detector._kinds[kind] = cls
        cls.kind = kind

    @staticmethod
    def load(folder: str | Path, require_signature: str | Path | None = None) -> "Detector":
        """Loads a detector after checking every value of its manifest and file of its folder.

        Args:
            folder: The folder with `detector.json`.
            require_signature: File of the key that must have signed the detector, see
                `asd_tf.detector.sealing.signature.read_key`; None to load it without a signature.

        Raises:
            InputError: If there is no detector, a value is out of range, a file is missing, altered
                or does not belong to it, or the signature is not that of the key.
        """
        folder = Path(folder)
        key = None if require_signature is None else Path(require_signature)
        manifest = read_manifest(folder, key)
        kind = Detector._kinds.get(manifest.get("kind", ""))
        if kind is None:
            raise InputError(f"{folder}: unknown kind of detector '{manifest.get('kind')}'")
        try:
            return kind(folder, manifest)
        except (KeyError, TypeError):
            raise InputError(f"{folder}: its manifest is damaged; take a fresh copy") from None

    @property
    def channel(self) -> int | None:
        """The channel of the training clips; None for the mean of all channels, or each of them."""
        return self.manifest.get("channel")

    @property
    def channels(self) -> int | None:
        """The number of channels if each is a window of its own; None if one or the mean is."""
        return self.manifest.get("channels")

    @functools.cached_property
    def recordings(self) -> Recordings:
        """How recordings are divided into windows, and their scores are pooled."""
        return Recordings(
            self.manifest,
            self.thresholds,
            lambda pool: RecordingPValues(self.calibration, self.p_values, pool),
        )

    @abc.abstractmethod
    def load_all(self) -> int:
        """Loads all networks and backends, which are else loaded on access; returns their number.

        Raises:
            InputError: If one is damaged, or can do more than it needs to.
        """

    @abc.abstractmethod
    def score_with_details(
        self,
        clips: pd.DataFrame,
        progress: Callable[[int], None] = lambda done: None,
        store: EmbeddingStore | None = None,
    ) -> Scores:
        """Scores clips of known groups; the details of the scores are computed on access.

        Args:
            clips: The clip table; the group of every row is known to the detector.
            progress: Called after each step with the number of clips that are newly done.
            store: Store from which the features of the split `test` are read, and to which they are
                written; no clip may be in the table twice. None to compute all features.
        """

    def score(
        self,
        clips: pd.DataFrame | Iterable[str | Path],
        *,
        machine: str | None = None,
        section: str | None = None,
        per: str = "recording",
        items: bool = False,
        progress: Callable[[int], None] = lambda done: None,
        false_alarms: float | None = None,
    ) -> pd.DataFrame | tuple[pd.DataFrame, Items]:
        """Scores clips and decides which are anomalous.

        Args:
            clips: A clip table, or paths of files, folders and manifests. Machine and section of a
                file are taken from its folder and name as in DCASE, and its channel is that of the
                training clips; a table has columns for these. A clip without a section gets the
                only section that the detector knows of its machine, if there is just one.
            machine: The machine of all clips, in place of those of the paths or the table.
            section: The section of all clips; `any` chooses for each clip the section of its
                machine in which score minus threshold is smallest.
            per: `recording` for a row for each recording, pooled from its windows; `window` for a
                row for each window, or `both`, windows first, with the columns recording_id,
                start_s, end_s (in seconds of the file), channel (missing for the mean) and per
                (`window` or `recording`).
            items: Whether to return the scores of items too.
            progress: Called after each step with the number of clips that are newly done.
            false_alarms: Share of unseen normal clips that may raise an alarm, see
                `with_false_alarms`; None for the thresholds that the detector was written with.

        Returns:
            The scored table: clip_id, path, machine, section, domain, split, label, subset, score
            (NaN if there is none), p_value (the estimated share of unseen normal clips that score
            at least as high; NaN without a score), threshold, decision (0, 1 or missing), status
            (`ok`, `silent`, `too_short`, `off`, `bad_file`, `unknown_group`) and sensor (`ok`, what
            is wrong with it, or missing). Where the sensor is faulty, the decision is missing. With
            `items`, also
            clip_id to the scores [items] of its frames, crops or segments, for clips with items; of
            a recording of several windows, to the scores of these. Where each channel is a window
            of its own, there always is a column channel; in the row of a recording, it is the one
            that raised its score most.
        """
        if false_alarms is not None:
            moved = self.with_false_alarms(false_alarms)
            return moved.score(
                clips, machine=machine, section=section, per=per, items=items, progress=progress
            )
        if not isinstance(clips, pd.DataFrame):
            clips = Inputs(clips, self.channel).table()
        tables: list[pd.DataFrame] = []
        items_of: Items = {}
        unused, tally = self.recordings.unused(), Tally(per)
        for windows in self.batches(clips, machine=machine, section=section):
            table, of_batch = self.score_batch(
                windows, section=section, per=per, progress=progress, tally=tally
            )
            tables.append(table)
            if items:
                items_of.update(of_batch)
            if unused is not None:
                unused.add(inspect_clips(windows.drop_duplicates("recording_id")))
        if unused is not None:
            self.recordings.log_unused(unused)
        tally.log()
        scored = pd.concat(tables, ignore_index=True)
        return (scored, items_of) if items else scored

    def batches(
        self,
        clips: pd.DataFrame,
        *,
        machine: str | None = None,
        section: str | None = None,
        size: int = BATCH,
    ) -> Iterator[pd.DataFrame]:
        """Divides recordings into windows, and yields these a batch at a time for `score_batch`.

        Scores may depend on the other recordings of the batch by rounding, up to 1e-5 of their
        value. The batches depend on the arguments and on the lengths of the files alone.

        Args:
            clips: The clip table.
            machine: See `score`.
            section: See `score`.
            size: Windows of a batch; no recording is in two batches, so that one with more windows
                is a batch of its own.
        """
        if "recording_id" not in clips:  # as in tables of earlier versions
            clips = clips.assign(recording_id=clips["clip_id"])
        given = {"machine": machine, "section": section}
        clips = clips.assign(**{name: x for name, x in given.items() if x not in (None, "any")})
        return batches_of(self.recordings, with_only_section(clips, self.thresholds), size)

    def score_batch(
        self,
        windows: pd.DataFrame,
        *,
        section: str | None = None,
        per: str = "recording",
        progress: Callable[[int], None] = lambda done: None,
        tally: Tally | None = None,
    ) -> tuple[pd.DataFrame, Items]:
        """Returns what `score` returns with items, for a batch of `batches`.

        Args:
            windows: The batch.
            section: See `score`.
            per: See `score`.
            progress: See `score`.
            tally: Counts what is said at the end of machines that are off, and of the sensor.
        """
        if section == "any":  # all windows of a recording get the same
            table, items = self._score_any_section(windows, progress)
            return self._rows_per(per, table, items, tally)
        scored = [
            self._score_own_section(
                windows.iloc[start : start + BATCH].reset_index(drop=True), progress
            )
            for start in range(0, max(len(windows), 1), BATCH)
        ]
        table = pd.concat([table for table, _ in scored], ignore_index=True)
        return self._rows_per(per, table, [item for _, items in scored for item in items], tally)

    def with_decisions(self, clips: pd.DataFrame, scores: Scores) -> pd.DataFrame:
        """Returns the scored table of clips; decisions are by the threshold alone.

        Args:
            clips: The clip table; if it has the column `windows`, that is the number of windows
                that each score was pooled from.
            scores: Their scores.
        """
        return self._decided(clips, scores)[list(SCORED_COLUMNS)]

    def _decided(self, clips: pd.DataFrame, scores: Scores) -> pd.DataFrame:
        """Returns the clip table with the columns that `decided` adds."""
        recordings = self.recordings
        return decided(
            clips, scores, self.is_known(clips), recordings.p_values, recordings.threshold
        )

    def _rows_per(
        self, per: str, windows: pd.DataFrame, items: list[np.ndarray | None], tally: Tally | None
    ) -> tuple[pd.DataFrame, Items]:
        return rows_per(
            per, windows, items, recordings=self.recordings, decide=self._decided, tally=tally,
            channels_apart=self.channels is not None,
        )  # fmt: skip

    def _score_own_section(
        self, clips: pd.DataFrame, progress: Callable[[int], None]
    ) -> tuple[pd.DataFrame, list[np.ndarray | None]]:
        """Returns the scored table of clips, and the scores of the items of each."""
        known = self.is_known(clips)
        progress(int(np.sum(~known)))
        if not known.any():
            return self._decided(clips, Scores(np.full(len(clips), np.nan))), [None] * len(clips)
        found = self.score_with_details(clips[known].reset_index(drop=True), progress).spread(known)
        items = [None] * len(clips) if found.items is None else list(found.items)
        return self._decided(clips, found), items

    def _score_any_section(
        self, clips: pd.DataFrame, progress: Callable[[int], None]
    ) -> tuple[pd.DataFrame, list[np.ndarray | None]]:
        """Scores each recording in all sections of its machine and keeps the best, see `score`."""
        candidates = in_all_sections(clips, self.thresholds)
        tried, items = self._score_own_section(candidates, lambda done: None)
        progress(len(clips))
        best = best_rows(tried)
        return tried.loc[best].reset_index(drop=True), [items[index] for index in best]
