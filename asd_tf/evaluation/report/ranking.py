"""Which clips are worth listening to: the highest scored and the most confused."""

import numpy as np
import pandas as pd

LISTED = 10


def highest_scored(clips: pd.DataFrame, listed: int = LISTED) -> pd.DataFrame:
    """Selects the clips with the highest scores relative to their sections.

    Scores of different sections are not comparable, so clips are ranked by `relative_scores`.

    Args:
        clips: Rows of `select_test_clips` with a score, and the column `section_key`.
        listed: How many clips to return, at most.

    Returns:
        The rows, highest first, with the new column `relative_score`.
    """
    ranked = clips.assign(relative_score=relative_scores(clips))
    return ranked.sort_values(["relative_score", "clip_id"], ascending=[False, True]).head(listed)


def most_confused(clips: pd.DataFrame, listed: int = LISTED) -> pd.DataFrame:
    """Selects the labeled clips that are ranked worst against the other class of their section.

    The confusion of a normal clip is the share of the anomalous clips of its section that score
    lower; that of an anomalous clip is the share of the normal clips that score higher. Ties count
    half. The mean confusion of either class is 1 - AUC of the section. Of clips with equal
    confusion, the one whose score is farther on the wrong side comes first.

    Args:
        clips: Rows of `select_test_clips` with a score, and the column `section_key`.
        listed: How many clips to return, at most.

    Returns:
        The rows whose confusion is above 0, worst first, with the new columns `confusion` (in 0..1)
        and `others`, the number of clips of the other class.
    """
    ranked = clips.assign(relative_score=relative_scores(clips))
    ranked = ranked[ranked["label"].notna()]
    confusion, others = np.zeros(len(ranked)), np.zeros(len(ranked), int)
    positions = pd.Series(np.arange(len(ranked)), index=ranked.index)
    for _, rows in ranked.groupby("section_key", sort=False):
        indices = positions[rows.index].to_numpy()
        scores, anomalous = rows["score"].to_numpy(), rows["label"].to_numpy() == 1
        confusion[indices[~anomalous]] = _share_below(scores[~anomalous], scores[anomalous])
        confusion[indices[anomalous]] = _share_below(-scores[anomalous], -scores[~anomalous])
        others[indices] = np.where(anomalous, np.sum(~anomalous), np.sum(anomalous))
    wrongness = ranked["relative_score"] * np.where(ranked["label"] == 1, -1, 1)
    ranked = ranked.assign(confusion=confusion, others=others, wrongness=wrongness)
    ranked = ranked[ranked["confusion"] > 0]
    order = ["confusion", "wrongness", "clip_id"]
    return ranked.sort_values(order, ascending=[False, False, True]).head(listed)


def relative_scores(clips: pd.DataFrame) -> pd.Series:
    """Returns how far each score is above the median of its section, in interquartile ranges."""
    scores = clips["score"].groupby(clips["section_key"])
    spread = scores.transform(_spread)
    return (clips["score"] - scores.transform("median")) / spread


def _spread(scores: pd.Series) -> float:
    low, high = np.percentile(scores, [25, 75])
    # The interquartile range is 0 if half of the scores are equal, the range if all are.
    return float(high - low or np.ptp(scores) or 1.0)


def _share_below(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns for each score the share of the others below it; ties count half."""
    if len(others) == 0:
        return np.zeros(len(scores))
    others = np.sort(others)
    below = np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")
    return below / (2 * len(others))
