"""Every channel as a window of its own: `--channel=each`.

Several microphones at a machine hear one recording: its channels are rows of the clip table with
the same `recording_id`, so that they are scored apart, pooled, and never on both sides of a split.
"""

import numpy as np
import pandas as pd

from asd_tf.errors import InputError


def common_count(clips: pd.DataFrame, report: pd.DataFrame) -> int | None:
    """Returns the number of channels that recordings have in common.

    Args:
        clips: The clip table; rows with a channel of their own do not count.
        report: What `inspect_clips` returned for it; unreadable rows do not count.

    Returns:
        The number; None if there is no such row.

    Raises:
        InputError: If recordings have different numbers of channels; with an example of each.
    """
    counted = report["ok"].to_numpy(bool) & clips["channel"].isna().to_numpy(bool)
    counts = report["channels"][counted]
    if counts.nunique() < 2:
        return int(counts.iloc[0]) if len(counts) else None
    examples = clips["path"][counted].groupby(counts.to_numpy()).first()
    found = ", ".join(f"{count} ({path})" for count, path in examples.items())
    raise InputError(
        f"--channel=each: all recordings must have the same number of channels, these have {found}:"
        " leave the others out, or choose one channel, as with --channel=0"
    )


def split_into_channels(clips: pd.DataFrame, report: pd.DataFrame, count: int) -> pd.DataFrame:
    """Gives each channel a row of its own, beside the other channels of its window.

    Args:
        clips: The clip table, a row for each window; rows with a channel of their own are kept, and
            so are those that cannot be read.
        report: What `inspect_clips` returned for it.
        count: Number of channels, 2 or more. A row with another number gets a channel that it does
            not have, so that it cannot be read: see `other_count`.

    Returns:
        The clip table with a new index.
    """
    clips = clips.reset_index(drop=True)
    is_whole = report["ok"].to_numpy(bool) & clips["channel"].isna().to_numpy(bool)
    found = report["channels"].to_numpy()
    is_split = is_whole & (found == count)
    rows = clips.loc[clips.index.repeat(np.where(is_split, count, 1))]
    number = rows.groupby(level=0).cumcount()
    names = rows["clip_id"] + "#channel" + number.astype(str)
    channel = clips["channel"].where(~is_whole, found).loc[rows.index]
    is_split = is_split[rows.index]
    return rows.assign(
        clip_id=rows["clip_id"].where(~is_split, names),
        channel=channel.where(~is_split, number).astype("Int64"),
    ).reset_index(drop=True)


def channels_apart(clips: pd.DataFrame) -> int | None:
    """Returns how many channels of a recording are rows of a clip table; None if only one is."""
    counts = clips.groupby("recording_id", sort=False)["channel"].nunique()
    most = int(counts.max()) if len(counts) else 0
    return most if most > 1 else None


def other_count(clips: pd.DataFrame, report: pd.DataFrame, count: int) -> list[str]:
    """Returns why a recording is not divided into `count` channels; empty where it is.

    Args:
        clips: The clip table of recordings.
        report: What `inspect_clips` returned for it.
        count: Number of channels.
    """
    is_whole = report["ok"].to_numpy(bool) & clips["channel"].isna().to_numpy(bool)
    return [
        f"it has {found} channel{'s' if found > 1 else ''}, and the detector was trained on each "
        f"of {count}"
        if whole and found != count
        else ""
        for whole, found in zip(is_whole, report["channels"], strict=True)
    ]
