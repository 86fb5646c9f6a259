"""How a detector scores recordings that are longer than its windows."""

import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.channel_windows import other_count, split_into_channels
from asd_tf.data.decoding.inspection import inspect_clips, reason_for
from asd_tf.data.groups import Group, groups_of
from asd_tf.data.health.sensor import OK
from asd_tf.data.windows import UnusedAudio, has_windows, recordings_of, split_into_windows
from asd_tf.scoring.p_values import PValues
from asd_tf.scoring.recordings import RecordingPValues, pool_recordings
from asd_tf.scoring.scores import LazyMapping, Scores
from asd_tf.scoring.thresholds import Threshold, threshold_at
from asd_tf.scoring.verdicts import Verdicts, joined

# Share of the windows of a recording with a faulty sensor from which on its own is.
_MOST_FAULTY = 0.5

# Recordings whose windows are in memory at a time, a row of a table for each.
_DIVIDED_AT_ONCE = 1024

_logger = logging.getLogger(__name__)


class Recordings:
    """Divides recordings into the windows of a detector, and pools their scores.

    Args:
        manifest: The content of its `detector.json`. Where that has no `recording`, as of earlier
            versions and of the editions of DCASE, or one without `hop`, the first window of a
            recording is scored. Where it has `channels`, each channel is a window of its own.
        thresholds: The threshold of a window of each group.
        of_recordings: Makes the p-values of recordings, for a way of pooling.
    """

    def __init__(
        self,
        manifest: Mapping[str, Any],
        thresholds: Mapping[Group, Threshold],
        of_recordings: Callable[[str], RecordingPValues],
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

    def unused(self) -> UnusedAudio | None:
        """Returns what counts the unused audio, where of each recording one window is scored."""
        return UnusedAudio(self._seconds) if self._hop is None and self._seconds else None

    def log_unused(self, unused: UnusedAudio) -> None:
        """Says how much of the recordings is not scored."""
        if line := unused.line("its first window"):
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
            raw=None if scores.raw is None else pool(scores.raw),
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
        scale_of = {group: self._p_values.scale(group) for group in set(groups_of(windows))}
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

    def p_values(self, group: Group, windows: int) -> PValues | None:
        """Returns the p-values of recordings of a number of windows; None of an unknown group."""
        return self._p_values.p_values(group, windows) if group in self._of_windows else None

    def threshold(self, group: Group, windows: int) -> Threshold | None:
        """Returns the threshold of recordings of a number of windows; None of an unknown group."""
        of_window = self._of_windows.get(group)
        p_values = None if windows == 1 else self.p_values(group, windows)
        if of_window is None or p_values is None:
            return of_window
        threshold = threshold_at(p_values, of_window.false_alarms)
        rule = "none" if threshold.value is None else "draws"
        return replace(threshold, rule=rule, n=of_window.n)

    def _pool(self, scores: np.ndarray, names: pd.Series, scale: np.ndarray) -> np.ndarray:
        return pool_recordings(scores, names, self._pooling, scale)

    @property
    def _pooling(self) -> str:
        return "max" if self._rule is None else self._rule["pool"]

    @functools.cached_property
    def _p_values(self) -> RecordingPValues:
        return self._make(self._pooling)


def names_and_rows(clips: pd.DataFrame) -> dict[str, np.ndarray]:
    """Returns the rows of each recording of a clip table, in the order of their first windows."""
    rows = clips.reset_index(drop=True).groupby("recording_id", sort=False).indices
    return {name: rows[name] for name in clips["recording_id"].unique()}


def _is_all(off: np.ndarray, clips: pd.DataFrame) -> np.ndarray:
    """Returns [windows] bool: whether all windows of the recording of each are off."""
    return pd.Series(off).groupby(clips["recording_id"].to_numpy()).transform("all").to_numpy(bool)


def batches_of(recordings: Recordings, clips: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    """Yields the windows of recordings a batch at a time; no recording is in two batches.

    A batch is a function of the clip table alone: consecutive recordings with at most `size`
    windows together, or a single one with more. A table without rows is one batch.

    Args:
        recordings: Divides them into windows, a few thousand recordings at a time.
        clips: The clip table; rows with the same recording_id stay together.
        size: Windows of a batch.
    """
    number = pd.factorize(clips["recording_id"])[0]
    order = np.argsort(number, kind="stable")
    clips, number = clips.iloc[order], number[order]
    start = 0
    while start < max(len(clips), 1):
        last = min(start + _DIVIDED_AT_ONCE, len(clips)) - 1
        end = int(np.searchsorted(number, number[last], side="right")) if len(clips) else 1
        windows = recordings.windows_of(clips.iloc[start:end].reset_index(drop=True))
        for rows in _runs(pd.factorize(windows["recording_id"])[0], size):
            yield windows.iloc[rows].reset_index(drop=True)
        start = end


def _runs(number: np.ndarray, size: int) -> Iterator[slice]:
    """Yields the rows of consecutive recordings, given the number of the recording of each."""
    ends = np.append(np.flatnonzero(np.diff(number)) + 1, len(number))
    start = end = 0
    for next_end in ends:
        if next_end - start > size and end > start:
            yield slice(start, end)
            start = end
        end = int(next_end)
    yield slice(start, end)
