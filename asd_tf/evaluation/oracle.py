"""Scores that no detector can have, since they are made with the labels of the test clips."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from asd_tf.evaluation.official import OFFICIAL_SCORES
from asd_tf.evaluation.sections import section_metrics

# Weights that are tried, as factors of the one by which both parts spread alike on test clips.
_FACTORS = np.concatenate([[0.0], np.logspace(-2, 2, 81)])


class WeightedScores(NamedTuple):
    """Sums of two parts, and the weight of the second in each.

    Attributes:
        scores: [n].
        weights: [n], the same within a machine and subset.
    """

    scores: np.ndarray
    weights: np.ndarray


def oracle_gamma(scored: pd.DataFrame, first: str, second: str, formula: str) -> WeightedScores:
    """Adds two parts by the weight that gives each machine its best official score.

    As GeCo (Zeng et al., ICASSP 2023, Section 3.3) chose its gamma for each machine type, by grid
    search on labelled test clips: an upper bound of what fusion can give, not a result.

    Args:
        scored: The scored table, with a column for each part, NaN where a clip has none.
        first: Column of the part that counts as it is.
        second: Column of the part that is weighted.
        formula: Name of the formula of the official score.

    Returns:
        For the rows of `scored`; a machine without labels has weight 1.
    """
    scores, weights = np.full(len(scored), np.nan), np.ones(len(scored))
    parts = scored[[first, second]].to_numpy(np.float64)
    groups = scored.groupby(["subset", "machine"], sort=True).indices
    for rows in groups.values():
        table = scored.iloc[rows]
        candidates = _candidates(parts[rows])
        found = [_official(table, _sum(parts[rows], weight), formula) for weight in candidates]
        if any(value is not None for value in found):
            best = np.argmax([-1.0 if value is None else value for value in found])
            weights[rows] = candidates[best]
        scores[rows] = _sum(parts[rows], weights[rows])
    return WeightedScores(scores, weights)


def _candidates(parts: np.ndarray) -> np.ndarray:
    first, second = np.nanstd(parts, axis=0) if np.isfinite(parts).any() else (1.0, 1.0)
    return _FACTORS * (first / second if first > 0 and second > 0 else 1.0)


def _sum(parts: np.ndarray, weight: float | np.ndarray) -> np.ndarray:
    return parts[:, 0] + weight * parts[:, 1]


def _official(table: pd.DataFrame, scores: np.ndarray, formula: str) -> float | None:
    return OFFICIAL_SCORES[formula](section_metrics(table.assign(score=scores))).score
