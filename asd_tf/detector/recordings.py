"""How a detector scores recordings that are longer than its windows."""

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.channel_windows import other_count, split_into_channels
from asd_tf.data.decoding.inspection import inspect_clips, reason_for
from asd_tf.data.groups import Group, groups_of
from asd_tf.data.health.sensor import OK
from asd_tf.data.windows import has_windows, recordings_of, split_into_windows, unused_line
from asd_tf.scoring.recordings import RecordingThresholds, pool_recordings
from asd_tf.scoring.scores import LazyMapping, Scores
from asd_tf.scoring.thresholds import Threshold
from asd_tf.scoring.verdicts import Verdicts, joined

# Share of the windows of a recording with a faulty sensor from which on its own is.
_MOST_FAULTY = 0.5

ScoredRows = tuple[pd.DataFrame, list[np.ndarray | None]]

_logger = logging.getLogger(__name__)


class Recordings:
    """Divides recordings into the windows of a detector, and pools their scores.

    Args:
        manifest: The content of its `detector.json`. Where that has no `recording`, as of earlier
            versions and of the editions of DCASE, or one without `hop`, the first window of a
            recording is scored. Where it has `channels`, each channel is a window of its own.
        thresholds: The threshold of a window of each group.
        of_recordings: Makes the thresholds of recordings, for a way of pooling.
    """

    def __init__(
        self,
        manifest: Mapping[str, Any],
        thresholds: Mapping[Group, Threshold],
        of_recordings: Callable[[str], RecordingThresholds],
    ):
        self._rule = manifest.get("recording")
        self._hop: float | None = None if self._rule is None else self._rule["hop"]
        self._channels: int | None = manifest.get("channels")
        self._of_windows = thresholds
        self._make = of_recordings
        # The parts of a fused detector may have windows of different lengths.
        known = "samples" in manifest and "sample_rate" in manifest
        self._seconds: float | None = (
            manifest["samples"] / manifest["sample_rate"] if known else None
        )

    def windows_of(self, clips: pd.DataFrame) -> pd.DataFrame:
        """Divides the recordings of a clip table into windows; those of each are rows in a row.

        Where each channel is a window of its own, a recording with another number of channels gets
        a row that cannot be read.
        """
        windows = clips
        if self._hop is not None and self._seconds is not None:
            report = inspect_clips(clips)
            windows = split_into_windows(clips, report, self._seconds, hop=self._hop).table
        if self._channels is not None:
            windows = split_into_channels(windows, inspect_clips(windows), self._channels)
        if windows is clips:
            return clips
        order = np.argsort(pd.factorize(windows["recording_id"])[0], kind="stable")
        return windows.iloc[order].reset_index(drop=True)

    def ends(self, rows: pd.DataFrame) -> pd.Series:
        """Returns where what was scored ends in its file, in seconds; NaN for unreadable files."""
        seconds = inspect_clips(rows)["seconds"].to_numpy()
        # The rest of a longer recording is not scored, unless it is in other windows.
        if self._hop is None and self._seconds is not None:
            seconds = np.minimum(seconds, self._seconds)
        return rows["start_s"] + seconds

    def log_unused(self, clips: pd.DataFrame) -> None:
        """Says how much of the recordings is not scored, where that is their first window alone."""
        if self._hop is None and self._seconds is not None:
            clips = clips.drop_duplicates("recording_id")
            line = unused_line(inspect_clips(clips), self._seconds, "its first window")
            if line:
                _logger.info("%s; train with --set data.windows=all to score all of it", line)

    def pooled(self, clips: pd.DataFrame, scores: Scores) -> tuple[pd.DataFrame, Scores]:
        """Pools the scores of windows, with all details.

        Windows of a machine that is off are left out, unless there are no others.

        Args:
            clips: The clip table of the windows.
            scores: Their scores.

        Returns:
            The clip table of the recordings, with the number of pooled windows in the column
            `windows` and, where each channel is a window of its own, the one that raised the score
            most in `channel`; and the scores of these. What was pooled from several windows has
            their scores as items.
        """
        if not has_windows(clips):
            return clips, scores
        recordings, verdicts = recordings_of(clips), scores.verdicts
        if verdicts is not None:
            used = ~verdicts.off | _is_all(verdicts.off, clips)
            clips, scores = clips[used].reset_index(drop=True), scores.of(used)
            recordings["windows"] = [len(rows) for rows in names_and_rows(clips).values()]
        if self._channels is not None:
            recordings["channel"] = self._highest_channel(clips, scores.clip)
        pooled = self._pooled(clips, scores)
        verdicts = self._pooled_verdicts(clips, scores, pooled.clip)
        return recordings, replace(pooled, verdicts=verdicts)

    def _pooled(self, clips: pd.DataFrame, scores: Scores) -> Scores:
        """Returns the scores of recordings of the windows of a clip table."""
        names, groups = clips["recording_id"], names_and_rows(clips)
        single = {name for name, rows in groups.items() if len(rows) == 1}

        def pool(values: np.ndarray) -> np.ndarray:
            spread = np.nanstd(values) if np.isfinite(values).any() else 1.0
            return self._pool(values, names, np.full(len(values), spread or 1.0))

        def pool_all(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: pool(of_part) for name, of_part in values.items()}

        def mean(values: np.ndarray) -> np.ndarray:
            return np.stack([values[rows].mean(axis=0) for rows in groups.values()])

        def features_of(name: str) -> np.ndarray:
            return mean(scores.features[name])

        def transductive() -> np.ndarray | None:
            values = scores.transductive()
            return None if values is None else pool(values)

        own = [None] * len(clips) if scores.items is None else scores.items
        return replace(
            scores,
            clip=self.scores_of(clips, scores.clip),
            items=[
                own[rows[0]] if name in single else scores.clip[rows]
                for name, rows in groups.items()
            ],
            parts=pool_all(scores.parts),
            features=LazyMapping(
                {name: functools.partial(features_of, name) for name in scores.features}
            ),
            members=lambda: pool_all(scores.members()),
            transductive=transductive,
        )

    def _pooled_verdicts(
        self, clips: pd.DataFrame, scores: Scores, pooled: np.ndarray
    ) -> Verdicts | None:
        """Returns the verdicts of recordings, by those of their windows and their scores [n].

        The sensor of a recording is faulty if that of half of its windows is, or if the recording
        would not be anomalous without the windows of a faulty sensor.
        """
        verdicts = scores.verdicts
        if verdicts is None:
            return None
        recordings = names_and_rows(clips)
        sensor, off = np.full(len(recordings), None, object), np.zeros(len(recordings), bool)
        for number, rows in enumerate(recordings.values()):
            off[number] = verdicts.off[rows].all()
            faulty = verdicts.is_faulty[rows]
            of_windows = verdicts.sensor[rows]
            sensor[number] = OK if (of_windows == OK).any() else None
            if faulty.mean() >= _MOST_FAULTY or (
                faulty.any()
                and self._is_alarm(clips.iloc[rows], scores.clip[rows], pooled[number])
                and not self._is_alarm(clips.iloc[rows[~faulty]], scores.clip[rows[~faulty]])
            ):
                sensor[number] = joined(of_windows)
        return Verdicts(sensor, off)

    def _is_alarm(
        self, windows: pd.DataFrame, scores: np.ndarray, pooled: float | None = None
    ) -> bool:
        """Returns whether windows of a recording are anomalous together."""
        threshold = self.threshold(groups_of(windows)[0], len(windows))
        if threshold is None or threshold.value is None:
            return False
        value = self.scores_of(windows, scores)[0] if pooled is None else pooled
        return bool(value > threshold.value)

    def scores_of(self, windows: pd.DataFrame, scores: np.ndarray) -> np.ndarray:
        """Returns the scores [recordings] of a clip table of windows with scores [windows]."""
        if not has_windows(windows):
            return scores
        return self._pool(scores, windows["recording_id"], self._scales(windows))

    def _scales(self, windows: pd.DataFrame) -> np.ndarray:
        """Returns [windows] the standard deviation of normal scores of the group of each."""
        scale_of = {group: self._thresholds.scale(group) for group in set(groups_of(windows))}
        return np.array([scale_of[group] for group in groups_of(windows)])

    def reason_for(self, recording: pd.Series) -> str:
        """Returns why a recording, a row of a clip table, could not be scored."""
        if self._channels is not None:
            clips = recording.to_frame().T
            [reason] = other_count(clips, inspect_clips(clips), self._channels)
            if reason:
                return reason
        return reason_for(recording)

    def _highest_channel(self, windows: pd.DataFrame, scores: np.ndarray) -> pd.array:
        """Returns, for each recording, the channel whose own windows have the highest score."""
        names = windows["recording_id"]
        parts = names + " " + windows["channel"].astype("string").fillna("")
        of_channels = windows.loc[~parts.duplicated()].assign(
            score=self._pool(scores, parts, self._scales(windows))
        )
        order = of_channels.sort_values("score", ascending=False, kind="stable")
        best = order.drop_duplicates("recording_id").set_index("recording_id")
        is_scored = best["score"].notna()
        return best["channel"].where(is_scored, pd.NA).reindex(names.unique()).array

    def threshold(self, group: Group, windows: int) -> Threshold | None:
        """Returns the threshold of a recording of a number of windows; None if there is none."""
        threshold = self._of_windows.get(group)
        if threshold is None or windows == 1:
            return threshold
        return self._thresholds.threshold(group, windows)

    def _pool(self, scores: np.ndarray, names: pd.Series, scale: np.ndarray) -> np.ndarray:
        return pool_recordings(scores, names, self._pooling, scale)

    @property
    def _pooling(self) -> str:
        return "max" if self._rule is None else self._rule["pool"]

    @functools.cached_property
    def _thresholds(self) -> RecordingThresholds:
        return self._make(self._pooling)


def names_and_rows(clips: pd.DataFrame) -> dict[str, np.ndarray]:
    """Returns the rows of each recording of a clip table, in the order of their first windows."""
    rows = clips.reset_index(drop=True).groupby("recording_id", sort=False).indices
    return {name: rows[name] for name in clips["recording_id"].unique()}


def _is_all(off: np.ndarray, clips: pd.DataFrame) -> np.ndarray:
    """Returns [windows] bool: whether all windows of the recording of each are off."""
    return pd.Series(off).groupby(clips["recording_id"].to_numpy()).transform("all").to_numpy(bool)


def chunks_of(clips: pd.DataFrame, size: int, whole: bool) -> Iterator[pd.DataFrame]:
    """Yields `size` rows of a clip table at a time, or more where recordings are kept whole."""
    start, number = 0, pd.factorize(clips["recording_id"])[0]
    while start < max(len(clips), 1):
        end = min(start + size, len(clips))
        if whole and end < len(clips):
            end = int(np.searchsorted(number, number[end - 1], side="right"))
        yield clips.iloc[start:end].reset_index(drop=True)
        start = max(end, start + 1)


def whole_recordings(scored: Iterable[ScoredRows]) -> Iterator[ScoredRows]:
    """Joins what was scored in chunks so that no recording is in two of them."""
    rest: ScoredRows | None = None
    for table, items in scored:
        if rest is not None:
            table, items = pd.concat([rest[0], table], ignore_index=True), [*rest[1], *items]
        last = table["recording_id"].iloc[-1:].to_list()
        done = int((~table["recording_id"].isin(last)).sum())
        if done:
            yield table.iloc[:done].reset_index(drop=True), items[:done]
        rest = table.iloc[done:].reset_index(drop=True), items[done:]
    if rest is not None:
        yield rest
