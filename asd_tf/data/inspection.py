"""Which files can be read, and why the others cannot."""

import concurrent.futures
import functools
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.data.audio import MEAN, PART, Header, decode, read_header
from asd_tf.errors import InputError

# What `decode` is given beside the path, as columns of the report.
HOW_TO_DECODE = {
    "channel": "int32",
    "decoder": "int32",
    "wrapper": "object",
    "start": "int64",
    "size": "int64",
    "rate": "int64",
    "first": "int64",
    "frames": "int64",
}

_THREADS = 8
_NAMED = 3


def inspect_clips(clips: pd.DataFrame, sample_rate: int, thorough: bool = False) -> pd.DataFrame:
    """Checks the files of clips, in parallel, each file once.

    Args:
        clips: The clip table.
        sample_rate: To which a thorough look resamples, in Hz.
        thorough: Whether every clip is decoded, too; else only headers are read.

    Returns:
        A row for each clip: clip_id, ok, reason (empty where ok), seconds, channels (of the file),
        and what `decode` is to be given: channel, decoder, wrapper, start, size, rate, first,
        frames (-1 and the like where not ok).
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
            look = functools.partial(_look_into, sample_rate=sample_rate)
            rows = list(pool.map(look, clips["path"], rows))
    report = pd.DataFrame(rows, columns=["reason", "seconds", "channels", *HOW_TO_DECODE])
    report.insert(0, "clip_id", clips["clip_id"].to_numpy())
    report.insert(1, "ok", report["reason"] == "")
    return report


def conversions(
    clips: pd.DataFrame, sample_rate: int, advice: str = "choose one with --channel=0"
) -> list[str]:
    """Says what is done to clips that do not come as they are needed.

    Args:
        clips: The clip table; supplemental clips and those that cannot be read do not count.
        sample_rate: That is needed, in Hz.
        advice: What to do where the mean of several channels is taken.

    Returns:
        A line for each sample rate and each number of channels.
    """
    report = inspect_clips(clips[clips["split"] != "supplemental"], sample_rate)
    report = report[report["ok"]]
    lines = []
    for rate, count in report["rate"].value_counts().sort_index().items():
        if rate != sample_rate:
            what = "has {} Hz and is" if count == 1 else "have {} Hz and are"
            lines.append(f"{_clips(count)} {what.format(rate)} resampled to {sample_rate} Hz")
    is_mean = report["channel"].eq(MEAN)
    for channels, count in report.loc[is_mean, "channels"].value_counts().sort_index().items():
        has = "has" if count == 1 else "have"
        lines.append(f"{_clips(count)} {has} {channels} channels: their mean is taken; {advice}")
    return lines


def _clips(count: int) -> str:
    return f"{count:,} clip{'' if count == 1 else 's'}"


def reason_for(clip: pd.Series, sample_rate: int) -> str:
    """Tells why a clip, a row of the clip table, cannot be read; empty where it can."""
    report = inspect_clips(clip.to_frame().T, sample_rate, thorough=True)
    return report["reason"].iloc[0]


def apply_bad_file_policy(
    clips: pd.DataFrame, report: pd.DataFrame, policy: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stops at bad files, or leaves them out.

    Args:
        clips: The clip table.
        report: What `inspect_clips` said of it.
        policy: `fail` or `skip`.

    Returns:
        The clips that can be read, with a new index, and the bad ones: clip_id, path, reason.

    Raises:
        InputError: If there are bad ones and the policy is `fail`, or if none is good.
    """
    ok = report["ok"].to_numpy(bool)
    bad = clips.loc[~ok, ["clip_id", "path"]].assign(reason=report.loc[~ok, "reason"].to_numpy())
    if len(bad) and (policy == "fail" or not ok.any()):
        advice = "repair them" if not ok.any() else "repair, or leave out with --on_bad_file=skip"
        raise bad_files_error(bad, advice)
    return clips[ok].reset_index(drop=True), bad.reset_index(drop=True)


def bad_files_error(bad: pd.DataFrame, advice: str) -> InputError:
    """Names the first of the bad files in one line."""
    some = "; ".join(
        f"{row.path}: {row.reason}" for row in bad.head(_NAMED).itertuples(index=False)
    )
    more = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    return InputError(f"{len(bad)} bad file{'s' if len(bad) > 1 else ''}: {some}{more}; {advice}")


def explain_failure(clips: pd.DataFrame, sample_rate: int) -> InputError | None:
    """Finds the files that a pipeline over clips failed at; None where all can be read."""
    _, bad = apply_bad_file_policy(clips, inspect_clips(clips, sample_rate, thorough=True), "skip")
    return bad_files_error(bad, "leave them out with --on_bad_file=skip") if len(bad) else None


def commonest_seconds(report: pd.DataFrame) -> float:
    """Returns the commonest length of the readable clips, to a tenth of a second."""
    lengths = report.loc[report["ok"], "seconds"].round(1)
    return float(lengths.mode().iloc[0])


def _header_or_reason(path: str) -> Header | str:
    try:
        return _cached_header(path, *_state(path))
    except InputError as error:
        return str(error)


def _state(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=2**17)
def _cached_header(path: str, changed: int, size: int) -> Header:
    """Reads a header once in a process, as long as the file is not changed."""
    return read_header(path)


def _inspect(header: Header | str, channel: int, start_s: float, duration_s: float) -> tuple:
    """Returns reason, seconds, channels and how to decode."""
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
    if frames == header.frames:
        how = (header.decoder, header.wrapper, header.start, header.size)
    else:
        how = (PART, b"", 0, 0)
    seconds = frames / header.sample_rate
    return "", seconds, header.channels, channel, *how, header.sample_rate, first, frames


def _bad(reason: str) -> tuple:
    return reason, np.nan, 0, -1, -1, b"", -1, -1, -1, -1, -1


@functools.cache
def _decoder(sample_rate: int):
    return tf.function(functools.partial(decode, sample_rate=sample_rate))


def _look_into(path: str, row: tuple, sample_rate: int) -> tuple:
    """Decodes a clip that seems right; returns its row, or that of a bad one."""
    reason, _, _, *how = row
    if reason:
        return row
    tensors = (
        tf.constant(value, None if dtype == "object" else dtype)
        for value, dtype in zip(how, HOW_TO_DECODE.values(), strict=True)
    )
    try:
        _decoder(sample_rate)(tf.constant(path), *tensors)
    except tf.errors.OpError as error:
        return _bad("a sample is not a number" if "not a number" in str(error) else "damaged")
    return row
