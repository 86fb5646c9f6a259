"""Clips that are kept out of a training, to calibrate the scores of a network on."""

import numpy as np
import pandas as pd

from asd_tf.data.pipeline import stable_seed


def hold_out(clips: pd.DataFrame, share: float) -> np.ndarray:
    """Chooses a share of the source clips of each machine and section.

    The choice depends on the names of the clips alone, so that detectors of other seeds or methods
    have the same clips to be fused on.

    Args:
        clips: The clip table.
        share: Of the source clips of a section, 0 to below 1; rounded, at least one of two clips.

    Returns:
        [clips] which are held out. Target clips never are, nor is the only clip of a section.
    """
    chosen = np.zeros(len(clips), bool)
    source = clips[clips["domain"] != "target"] if share else clips.iloc[:0]
    for rows in source.groupby(["machine", "section"]).groups.values():
        count = min(max(round(share * len(rows)), 1), len(rows) - 1)
        order = sorted(rows, key=lambda row: stable_seed("held out", clips["clip_id"][row]))
        chosen[order[:count]] = True
    return chosen


def with_target(clips: pd.DataFrame, held_out: np.ndarray) -> np.ndarray:
    """Adds to the clips held out those of the target domain, which are too few to be.

    Args:
        clips: The clip table.
        held_out: [clips] which are held out.

    Returns:
        [clips] what backends are fitted to and calibrated on. Of a section that has neither, it is
        all clips.
    """
    chosen = held_out | (clips["domain"] == "target").to_numpy(bool)
    for rows in clips.groupby(["machine", "section"]).groups.values():
        if not chosen[rows].any():
            chosen[rows] = True
    return chosen
