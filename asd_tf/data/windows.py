"""Recordings and their windows: a row of the clip table is what a network takes at once.

A recording that is longer than a network's N samples is divided into windows of N, rows of the clip
table with the same `recording_id`. Samples are not read for it. A shorter recording stays one row.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

# The commonest length, which N may be, is rounded to a tenth of a second: what is left after the
# last window is one of its own only if it is longer than that.
_REST_S = 0.1


class Windows(NamedTuple):
    """A clip table with a row for each window, and how much of the audio no window has.

    Attributes:
        table: The clip table.
        unused_s: Seconds of the readable recordings that are in no window.
        total_s: Seconds of the readable recordings.
        capped: Number of recordings of which not all windows are used.
    """

    table: pd.DataFrame
    unused_s: float
    total_s: float
    capped: int


def split_into_windows(
    clips: pd.DataFrame,
    report: pd.DataFrame,
    seconds: float,
    *,
    hop: float | None = None,
    most: int | None = None,
) -> Windows:
    """Divides recordings into windows; the last one ends with the recording, and none is padded.

    Args:
        clips: The clip table, a row for each recording.
        report: What `inspect_clips` returned for it; unreadable recordings stay one row.
        seconds: Length N of a window.
        hop: Seconds from the start of a window to that of the next; None for N.
        most: Largest number of windows of a recording, which are spread evenly over it; None for
            all.
    """
    starts = [
        _starts(frames, rate, seconds, seconds if hop is None else hop) if ok else np.zeros(1)
        for ok, frames, rate in zip(report["ok"], report["frames"], report["rate"], strict=True)
    ]
    kept = [_spread(of_recording, most) for of_recording in starts]
    counts = [len(of_recording) for of_recording in kept]
    ok, total = report["ok"].to_numpy(bool), report["seconds"].to_numpy(float)
    used = np.array([_covered(of_recording, seconds) for of_recording in kept])
    length = _window_samples(report["rate"].clip(lower=1), seconds) / report["rate"].clip(lower=1)
    unused = np.maximum(total - used, 0)[ok]
    rows = clips.loc[clips.index.repeat(counts)].reset_index(drop=True)
    is_window = np.repeat(np.array([len(of) > 1 for of in starts], bool), counts)
    start = rows["start_s"] + np.concatenate([*kept, []])
    names = rows["recording_id"] + "@" + start.map(_short)
    return Windows(
        rows.assign(
            clip_id=rows["clip_id"].where(~is_window, names),
            start_s=rows["start_s"].where(~is_window, start),
            duration_s=rows["duration_s"].where(~is_window, np.repeat(length.to_numpy(), counts)),
        ),
        float(unused.sum()),
        float(total[ok].sum()),
        sum(len(of) > count for of, count in zip(starts, counts, strict=True)),
    )


def has_windows(clips: pd.DataFrame) -> bool:
    """Whether a recording may be in several rows of a clip table."""
    return bool((clips["recording_id"] != clips["clip_id"]).any())


def recordings_of(clips: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each recording of a clip table, in the order of their first windows.

    Returns:
        The clip table of the recordings, where start_s and duration_s span all windows, the channel
        is missing if that of the rows differs, and the column `windows` has the number of rows.
    """
    groups = clips.groupby("recording_id", sort=False)
    first = groups.head(1).reset_index(drop=True)
    counts = groups.size().to_numpy()
    end = (clips["start_s"] + clips["duration_s"]).groupby(clips["recording_id"], sort=False).max()
    span = end.to_numpy() - first["start_s"]
    has_one_channel = (groups["channel"].nunique() < 2).to_numpy()
    return first.assign(
        clip_id=first["recording_id"],
        duration_s=first["duration_s"].where(counts == 1, span),
        channel=first["channel"].where(has_one_channel, pd.NA),
        windows=counts,
    )


def _starts(frames: int, rate: int, seconds: float, hop: float) -> np.ndarray:
    """Returns where the windows of a recording start, in seconds, on samples of its file."""
    last = frames - _window_samples(rate, seconds)
    if last <= _REST_S * rate:
        return np.zeros(1)
    starts = np.arange(0.0, last + 1, max(round(hop * rate), 1))
    if last - starts[-1] > _REST_S * rate:
        starts = np.append(starts, last)
    return starts / rate


def _window_samples(rate, seconds: float):
    """Returns the samples of a file that resampling makes no fewer than N of."""
    return np.ceil(seconds * rate - 1e-6)


def _spread(starts: np.ndarray, most: int | None) -> np.ndarray:
    if most is None or len(starts) <= most:
        return starts
    return starts[np.linspace(0, len(starts) - 1, most).round().astype(int)]


def _covered(starts: np.ndarray, seconds: float) -> float:
    return float(np.minimum(np.diff(starts), seconds).sum() + seconds)


def _short(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


class UnusedAudio:
    """Counts what is not used where recordings are cut to one window.

    Args:
        seconds: Length of a window.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._longer, self._unused_s, self._total_s = 0, 0.0, 0.0

    def add(self, report: pd.DataFrame) -> None:
        """Counts more recordings, given what `inspect_clips` returned for them."""
        length = report.loc[report["ok"], "seconds"]
        rest = (length - self._seconds)[length > self._seconds + _REST_S]
        self._longer += len(rest)
        self._unused_s += float(rest.sum())
        self._total_s += float(length.sum())

    def line(self, part: str) -> str | None:
        """Returns a line that says how much it is; None where nothing is left out.

        Args:
            part: What is used of a longer recording.
        """
        if not self._longer:
            return None
        which = "1 recording is" if self._longer == 1 else f"{self._longer:,} recordings are"
        return (
            f"{which} longer than {self._seconds:g} s, and {part} is used: "
            f"{duration(self._unused_s)} of {duration(self._total_s)} of audio are not"
        )


def duration(seconds: float) -> str:
    """Formats a duration in the unit that suits it: 12.5 s, 3.2 min or 1.8 h."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
