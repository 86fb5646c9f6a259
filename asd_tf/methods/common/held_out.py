"""Recordings held out of the training, to calibrate the scores of a network on."""

import numpy as np
import pandas as pd

from asd_tf.seeds import stable_seed


def hold_out(clips: pd.DataFrame, share: float) -> np.ndarray:
    """Chooses a share of the source recordings of each machine and section, with all their windows.

    The choice depends on the names of the recordings alone: detectors of all seeds and methods hold
    out the same ones, and can be fused on them.

    Args:
        clips: The clip table.
        share: Share of the source recordings of a section, 0 to below 1. The number is rounded; if
            the share is not 0, at least one recording of two or more is held out.

    Returns:
        [clips] bool, true for held-out clips. Target clips are never held out, nor is the only
        source recording of a section.
    """
    chosen = np.zeros(len(clips), bool)
    source = clips[clips["domain"] != "target"] if share else clips.iloc[:0]
    for _, of_section in source.groupby(["machine", "section"]):
        recordings = of_section["recording_id"].unique()
        count = min(max(round(share * len(recordings)), 1), len(recordings) - 1)
        order = sorted(recordings, key=lambda recording: stable_seed("held out", recording))
        chosen[of_section.index[of_section["recording_id"].isin(order[:count])]] = True
    return chosen


def with_target(clips: pd.DataFrame, held_out: np.ndarray) -> np.ndarray:
    """Adds the target clips, which are too few to be held out, to the held-out clips.

    Args:
        clips: The clip table.
        held_out: [clips] bool, see `hold_out`.

    Returns:
        [clips] bool, the clips that backends are fitted to and calibrated on. For a section that
        has neither kind, these are all of its clips.
    """
    chosen = held_out | (clips["domain"] == "target").to_numpy(bool)
    for indices in clips.groupby(["machine", "section"]).groups.values():
        if not chosen[indices].any():
            chosen[indices] = True
    return chosen
