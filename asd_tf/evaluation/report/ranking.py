"""Which clips a reader should listen to."""

import numpy as np
import pandas as pd

LISTED = 10


def highest_scored(clips: pd.DataFrame, listed: int = LISTED) -> pd.DataFrame:
    """Picks the clips that stand highest in their sections.

    Each section has a scale of its own, so that scores of different sections cannot be compared as
    they are; see `standing`.

    Args:
        clips: Rows of `tested_clips` with a score and a column `group`.
        listed: How many to return, at most.

    Returns:
        The rows, highest first, with the column `standing`.
    """
    ranked = clips.assign(standing=standing(clips))
    return ranked.sort_values(["standing", "clip_id"], ascending=[False, True]).head(listed)


def most_confused(clips: pd.DataFrame, listed: int = LISTED) -> pd.DataFrame:
    """Picks the labelled clips that stand deepest among those of the other class.

    The confusion of a normal clip is the share of the anomalous clips of its section that score
    lower, that of an anomalous clip the share of the normal ones that score higher; ties count
    half. The mean confusion of either class is 1 - AUC of the section. Where several are equal, the
    clip that stands farther out on the wrong side comes first.

    Args:
        clips: Rows of `tested_clips` with a score and a column `group`.
        listed: How many to return, at most.

    Returns:
        The rows whose confusion is above 0, worst first, with the columns `confusion` (in 0..1)
        and `others`, the number of clips it is a share of.
    """
    ranked = clips.assign(standing=standing(clips))
    ranked = ranked[ranked["label"].notna()]
    confusion, others = np.zeros(len(ranked)), np.zeros(len(ranked), int)
    positions = pd.Series(np.arange(len(ranked)), index=ranked.index)
    for _, group in ranked.groupby("group", sort=False):
        rows = positions[group.index].to_numpy()
        scores, anomalous = group["score"].to_numpy(), group["label"].to_numpy() == 1
        confusion[rows[~anomalous]] = _share_below(scores[~anomalous], scores[anomalous])
        confusion[rows[anomalous]] = _share_below(-scores[anomalous], -scores[~anomalous])
        others[rows] = np.where(anomalous, np.sum(~anomalous), np.sum(anomalous))
    outwards = np.where(ranked["label"] == 1, -ranked["standing"], ranked["standing"])
    ranked = ranked.assign(confusion=confusion, others=others, outwards=outwards)
    ranked = ranked[ranked["confusion"] > 0]
    order = ["confusion", "outwards", "clip_id"]
    return ranked.sort_values(order, ascending=[False, False, True]).head(listed)


def standing(clips: pd.DataFrame) -> pd.Series:
    """Returns how far each score is from the median of its section, in quartile distances."""
    scores = clips["score"].groupby(clips["group"])
    spread = scores.transform(_spread)
    return (clips["score"] - scores.transform("median")) / spread


def _spread(scores: pd.Series) -> float:
    low, high = np.percentile(scores, [25, 75])
    # More than half of the scores can be equal, and all of them.
    return float(high - low or np.ptp(scores) or 1.0)


def _share_below(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns for each score the share of the others below it, ties half; 0 where none is."""
    if len(others) == 0:
        return np.zeros(len(scores))
    others = np.sort(others)
    below = np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")
    return below / (2 * len(others))
