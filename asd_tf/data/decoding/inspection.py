"""Checks which clips can be read, states why others cannot, and applies the bad-file policy."""

import concurrent.futures
import functools
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.data.decoding.header import Header, read_header
from asd_tf.data.decoding.reader import MEAN, check_samples
from asd_tf.data.fingerprints import file_version
from asd_tf.errors import InputError

# The columns of the report that say how a clip is read, see `read_samples` and `Header`.
_READING = ("channel", "rate", "first", "frames", "samples_at")

_READABLE = "it can be read now, but could not before, or its features are not finite"

_THREADS = 8
_SHOWN = 3


def inspect_clips(clips: pd.DataFrame, thorough: bool = False) -> pd.DataFrame:
    """Checks the files of clips, in parallel, each file once.

    Args:
        clips: The clip table.
        thorough: Whether every clip is decoded, too; else only headers are read.

    Returns:
        A row for each clip: clip_id, ok, reason (empty where ok), seconds, channels (of the file);
        channel (or `MEAN`), rate (of the file, in Hz), first and frames (of the clip in samples of
        the file), samples_at (`Header.samples_at` if the clip is a whole file, else -1); -1 where
        not ok.
    """
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        files = clips["path"].unique()
        headers = dict(zip(files, pool.map(_header_or_reason, files), strict=True))
        columns = (clips[name] for name in ("channel", "start_s", "duration_s"))
        rows = [
            _inspect(headers[path], *values)
            for path, *values in zip(clips["path"], *columns, strict=True)
        ]
        if thorough:
            rows = list(pool.map(_check_decoding, clips["path"], rows))
    report = pd.DataFrame(rows, columns=["reason", "seconds", "channels", *_READING])
    report.insert(0, "clip_id", clips["clip_id"].to_numpy())
    report.insert(1, "ok", report["reason"] == "")
    return report


def conversions(
    clips: pd.DataFrame,
    sample_rate: int,
    advice: str = "choose one with --channel=0, or --channel=each",
    apart: bool = False,
) -> list[str]:
    """Describes how clips are converted: which are resampled, and what becomes of channels.

    Args:
        clips: The clip table; supplemental clips and those that cannot be read do not count.
        sample_rate: Sample rate in Hz to which clips are resampled.
        advice: Ends the lines on the mean of several channels: how to choose one.
        apart: Whether each channel is a window of its own where no channel is named.

    Returns:
        A line for each sample rate and each number of channels.
    """
    return conversion_lines(ways_of_reading(clips), sample_rate, advice, apart)


def ways_of_reading(clips: pd.DataFrame) -> Counter[tuple[int, int, bool]]:
    """Counts clips by sample rate, number of channels, and whether the mean of these is taken.

    Args:
        clips: The clip table; supplemental clips and those that cannot be read do not count.
    """
    report = inspect_clips(clips[clips["split"] != "supplemental"])
    report = report[report["ok"]]
    is_mean = report["channel"].eq(MEAN)
    return Counter(zip(report["rate"], report["channels"], is_mean, strict=True))


def conversion_lines(
    ways: Counter[tuple[int, int, bool]], sample_rate: int, advice: str, apart: bool = False
) -> list[str]:
    """Returns the lines of `conversions` for what `ways_of_reading` counted."""
    rates: Counter[int] = Counter()
    means: Counter[int] = Counter()
    for (rate, channels, is_mean), count in ways.items():
        rates[rate] += count
        if is_mean:
            means[channels] += count
    lines = []
    for rate, count in sorted(rates.items()):
        if rate != sample_rate:
            verb = "has {} Hz and is" if count == 1 else "have {} Hz and are"
            lines.append(f"{_clips(count)} {verb.format(rate)} resampled to {sample_rate} Hz")
    what = "each is a window of its own" if apart else f"their mean is taken; {advice}"
    for channels, count in sorted(means.items()):
        has = "has" if count == 1 else "have"
        lines.append(f"{_clips(count)} {has} {channels} channels: {what}")
    return lines


def _clips(count: int) -> str:
    return f"{count:,} clip{'' if count == 1 else 's'}"


def reason_for(clip: pd.Series) -> str:
    """Returns why a clip, a row of the clip table, could not be used."""
    report = inspect_clips(clip.to_frame().T, thorough=True)
    return report["reason"].iloc[0] or _READABLE


def apply_bad_file_policy(
    clips: pd.DataFrame, report: pd.DataFrame, policy: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Raises an error for bad files, or leaves them out.

    Args:
        clips: The clip table.
        report: The report of `inspect_clips` on it.
        policy: `fail` for an error, `skip` to leave bad files out.

    Returns:
        The clips that can be read, with a new index, and the bad ones: clip_id, path, reason.

    Raises:
        InputError: If there are bad files and the policy is `fail`, or if all are bad.
    """
    ok = report["ok"].to_numpy(bool)
    bad = clips.loc[~ok, ["clip_id", "path"]].assign(reason=report.loc[~ok, "reason"].to_numpy())
    if len(bad) and (policy == "fail" or not ok.any()):
        advice = "repair them" if not ok.any() else "repair, or leave out with --on_bad_file=skip"
        raise bad_files_error(bad, advice)
    return clips[ok].reset_index(drop=True), bad.reset_index(drop=True)


def bad_files_error(bad: pd.DataFrame, advice: str) -> InputError:
    """Returns an error that names the first bad files in one line."""
    shown = bad.head(_SHOWN).itertuples(index=False)
    names = "; ".join(f"{row.path}: {row.reason}" for row in shown)
    more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
    return InputError(f"{len(bad)} bad file{'s' if len(bad) > 1 else ''}: {names}{more}; {advice}")


def explain_failure(clips: pd.DataFrame, error: Exception | None = None) -> InputError | None:
    """Returns the error for the bad files that a pipeline stopped at.

    Args:
        clips: The clip table.
        error: What the pipeline raised. It names the file that could not be read even if it can be
            read by now, as after an interruption of a network.

    Returns:
        The error; None where no file is bad and `error` names none.
    """
    report = inspect_clips(clips, thorough=True)
    bad = clips.loc[~report["ok"].to_numpy(bool), ["clip_id", "path"]]
    if len(bad):
        bad = bad.assign(reason=report.loc[~report["ok"], "reason"].to_numpy())
        return bad_files_error(bad, "leave them out with --on_bad_file=skip")
    named = re.search(rf"{InputError.__name__}: (.+)", str(error))
    return InputError(f"{named[1]}; it can be read now: continue") if named else None


def commonest_seconds(report: pd.DataFrame) -> float:
    """Returns the commonest length of the readable clips, to a tenth of a second."""
    lengths = report.loc[report["ok"], "seconds"].round(1)
    return float(lengths.mode().iloc[0])


def _header_or_reason(path: str) -> Header | str:
    try:
        return _cached_header(path, _version(path))
    except InputError as error:
        return str(error)


def _version(path: str) -> tuple[int, ...]:
    """Returns what changes with every change of a file; nothing if it is missing."""
    try:
        return file_version(Path(path).stat())
    except OSError:
        return ()


@functools.lru_cache(maxsize=2**17)
def _cached_header(path: str, version: tuple[int, ...]) -> Header:
    """Reads a header once in a process, as long as the file does not change."""
    return read_header(path)


def _inspect(header: Header | str, channel: int, start_s: float, duration_s: float) -> tuple:
    """Returns reason, seconds, channels and the values of `_READING`."""
    if isinstance(header, str):
        return _bad(header)
    if pd.isna(channel):
        channel = MEAN if header.channels > 1 else 0
    elif channel >= header.channels:
        return _bad(f"no channel {channel}: it has {header.channels}, counted from 0")
    first = round(start_s * header.sample_rate)
    frames = header.frames - first
    if frames <= 0:
        return _bad(f"it ends at {header.seconds:g} s, before the clip starts")
    if not np.isnan(duration_s):
        frames = min(frames, max(round(duration_s * header.sample_rate), 1))
    samples_at = header.samples_at if frames == header.frames else -1
    reading = (channel, header.sample_rate, first, frames, samples_at)
    return "", frames / header.sample_rate, header.channels, *reading


def _bad(reason: str) -> tuple:
    return reason, np.nan, 0, *(-1 for _ in _READING)


def _check_decoding(path: str, row: tuple) -> tuple:
    """Decodes a clip whose header is good; returns its row, or that of a bad clip."""
    reason, _, _, channel, _, first, frames, _ = row
    if reason:
        return row
    try:
        check_samples(path, channel, first, frames)
    except InputError as error:
        return _bad(str(error))
    return row
