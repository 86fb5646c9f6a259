"""Leaves out of a training the windows in which a machine stands still."""

import logging

import ml_collections
import numpy as np
import pandas as pd

from asd_tf.data.groups import rows_of_groups
from asd_tf.data.health.clips import measure_clips
from asd_tf.data.health.state import AUTO, LEFT_OUT, OFF, OffState, says_off
from asd_tf.errors import InputError, UsageError
from asd_tf.progress import progress_over

_logger = logging.getLogger(__name__)


def without_off(clips: pd.DataFrame, config: ml_collections.ConfigDict) -> pd.DataFrame:
    """Takes training windows of a machine that is off out of the training, as `data.state` says.

    They stay in the table as supplemental, with an attribute that tells why, since a detector of
    `auto` has limits that are set from them.

    Args:
        clips: The clip table, a row for each window.
        config: The recipe.

    Raises:
        UsageError: If no training clip has the attribute that `data.state` names.
        InputError: If a machine is off in all of its training windows.
    """
    state = config.data.get("state")
    if state is None:
        return clips
    train = np.flatnonzero(clips["split"] == "train")
    rows = clips.iloc[train].reset_index(drop=True)
    off = _is_off(rows, config) if state == AUTO else _says_off(rows, state)
    for (machine, section), of_group in rows_of_groups(rows).items():
        count = int(off[of_group].sum())
        if count == len(of_group):
            raise InputError(
                f"data.state={state}: {machine}, section {section} is off in all of its training "
                "windows, and none is left to learn from"
            )
        if count:
            _logger.info(
                "state: %s, section %s: %d of %d training windows are left out, since the machine "
                "is off", machine, section, count, len(of_group),
            )  # fmt: skip
        else:
            _logger.info(
                "state: %s, section %s: %s: the machine runs in all training windows",
                machine, section,
                "no two states are clearly apart" if state == AUTO else f"no {state} is off",
            )  # fmt: skip
    left_out = clips.index.isin(clips.index[train[off]])
    attributes = [
        {**of_clip, LEFT_OUT: OFF} if is_out else of_clip
        for of_clip, is_out in zip(clips["attributes"], left_out, strict=True)
    ]
    split = clips["split"].mask(left_out, "supplemental")
    return clips.assign(split=split, attributes=attributes)


def _says_off(clips: pd.DataFrame, column: str) -> np.ndarray:
    """Returns [clips] bool: whether the attribute says so."""
    known = sorted({name for of_clip in clips["attributes"] for name in of_clip})
    if column not in known:
        found = f"there are {', '.join(known)}" if known else "they have none"
        raise UsageError(
            f"data.state={column}: no training clip has this attribute; {found}, and {AUTO} "
            "looks at level and spectrum"
        )
    return says_off(clips, column)


def _is_off(clips: pd.DataFrame, config: ml_collections.ConfigDict) -> np.ndarray:
    """Returns [clips] bool: whether level and spectrum say so."""
    rate = config.data.sample_rate
    with progress_over(len(clips), "measure") as progress:
        measures = measure_clips(clips, round(config.data.seconds * rate), rate, progress)
    off = np.zeros(len(clips), bool)
    for rows in rows_of_groups(clips).values():
        state = OffState.find(measures[rows])
        if state is not None:
            off[rows] = state.is_off(measures[rows])
    return off
