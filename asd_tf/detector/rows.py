"""The rows of a scored table: of windows, of their recordings, or of both."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from asd_tf.data.windows import has_windows
from asd_tf.detector.deciding.decisions import SCORED_COLUMNS, scores_in
from asd_tf.detector.health import Tally
from asd_tf.detector.recordings import Recordings
from asd_tf.scoring.scores import Scores
from asd_tf.scoring.verdicts import is_faulty

Items = dict[str, np.ndarray]

_WINDOW_COLUMNS = ("recording_id", "start_s", "end_s", "channel", "per")


def rows_per(
    per: str,
    windows: pd.DataFrame,
    items: list[np.ndarray | None],
    *,
    recordings: Recordings,
    decide: Callable[[pd.DataFrame, Scores], pd.DataFrame],
    tally: Tally | None = None,
    channels_apart: bool = False,
) -> tuple[pd.DataFrame, Items]:
    """Returns the scored rows of windows, of their recordings, or of both, and the items.

    Args:
        per: `window`, `recording` or `both`.
        windows: The scored table of windows; no recording is in two tables.
        items: [windows] the scores of the items of each, or None.
        recordings: Pools the windows of a recording.
        decide: From recordings and their scores to their scored table.
        tally: Counts machines that are off and faults of the sensor; None for no count.
        channels_apart: Whether each channel is a window of its own, which the rows of recordings
            then name.

    Returns:
        The rows, where the decision is missing if the sensor is faulty, and clip_id to items.
    """
    decided = windows
    tables, items_of = (
        [windows.assign(per="window")],
        dict(zip(windows["clip_id"], items, strict=True)),
    )
    if per != "window":
        if has_windows(windows):
            clips, pooled = recordings.pooled(windows, scores_in(windows, items))
            decided = decide(clips, pooled)
            items_of |= zip(decided["clip_id"], pooled.items or [], strict=True)
        tables.append(decided.assign(per="recording"))
    if tally is not None:
        tally.add(windows, decided)
    rows = pd.concat(tables if per == "both" else tables[-1:], ignore_index=True)
    rows.loc[is_faulty(rows["sensor"]), "decision"] = pd.NA
    columns = list(SCORED_COLUMNS)
    if per != "recording":
        rows = rows.assign(end_s=recordings.ends(rows))
        columns += _WINDOW_COLUMNS
    elif channels_apart:
        columns.append("channel")
    found = {name: items_of[name] for name in rows["clip_id"] if items_of[name] is not None}
    return rows[columns], found
