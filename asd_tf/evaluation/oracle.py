"""Scores that no detector can have, since they are made with the labels of the test clips."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from asd_tf.evaluation.metrics import auc, harmonic_mean, partial_auc
from asd_tf.evaluation.official import OFFICIAL_SCORES
from asd_tf.evaluation.sections import labelled_sections, section_metrics
from asd_tf.evaluation.transductive import standardised_over_test

# Weights that are tried, as factors of the one by which both parts spread alike on test clips.
_FACTORS = np.concatenate([[0.0], np.logspace(-2, 2, 81)])

# Of how many parts the mean is tried (Kuroyanagi et al., DCASE 2021, Section 3.1).
_COUNTS = (3, 5, 10, 20)

# Of scores [clips, parts] and what they are worth [clips] -> number, the parts to take the mean of.
Choose = Callable[[np.ndarray, Callable[[np.ndarray], float]], Sequence[int]]


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


class ChosenScores(NamedTuple):
    """Means of chosen parts, and which they are.

    Attributes:
        scores: [n].
        parts: [n] names of the chosen parts, joined by commas; the same within a machine and
            domain.
    """

    scores: np.ndarray
    parts: np.ndarray


def oracle_select_on_dev(scored: pd.DataFrame, parts: Sequence[str]) -> ChosenScores:
    """Takes for each machine and domain the part that is best on labelled clips.

    As "AE+BC ens (max)" of Kuroyanagi et al. (DCASE 2021, Table 1). What counts is the harmonic
    mean over sections of AUC and pAUC of the test clips of the dev subset, within the domain; the
    choice holds for both subsets. The scores of a part are first standardised over the test clips
    of each subset, machine and section, so that both domains of a section, judged by different
    parts, share a scale; a clip's score so depends on which other clips are tested.

    Args:
        scored: The scored table, with a column for each part, NaN where a clip has none.
        parts: These columns.

    Returns:
        For the rows of `scored`. Clips without a domain get the part that is best on all labelled
        clips of their machine; where there are no labels, the first part is taken.
    """

    def best(scores, worth):
        return [_argmax([worth(part) for part in scores.T])]

    return _chosen_on_dev(scored, parts, best)


def oracle_members(scored: pd.DataFrame, parts: Sequence[str]) -> ChosenScores:
    """Averages for each machine and domain the N parts that are best on labelled clips.

    "Selecting the N-best models" (Kuroyanagi et al., DCASE 2021, Section 3.1): of N in 3, 5, 10 and
    20, as far as there are parts, the best one by the metric that ranks the parts. Metric,
    standardising, unknown domains and clips without labels as in `oracle_select_on_dev`.

    Args:
        scored: The scored table, with a column for each part, NaN where a clip has none.
        parts: These columns, at least 3.
    """

    def best(scores, worth):
        ranked = np.argsort([-_or_least(worth(part)) for part in scores.T], kind="stable")
        tried = [ranked[:count] for count in _COUNTS if count <= len(ranked)]
        return tried[_argmax([worth(scores[:, members].mean(axis=1)) for members in tried])]

    return _chosen_on_dev(scored, parts, best)


def _chosen_on_dev(scored: pd.DataFrame, parts: Sequence[str], choose: Choose) -> ChosenScores:
    columns = standardised_over_test(scored, scored[list(parts)].to_numpy(np.float64))
    scores, chosen = np.full(len(scored), np.nan), np.full(len(scored), "", object)
    domain = scored["domain"].astype("string").fillna("").to_numpy(str)
    dev = (scored["subset"] == "dev").to_numpy(bool)
    for rows in scored.groupby("machine", sort=True).indices.values():
        for which in np.unique(domain[rows]):
            of_domain = rows[domain[rows] == which]
            judged = of_domain if which else rows
            judged = judged[dev[judged]]
            table = scored.iloc[judged]
            members = choose(columns[judged], lambda values, table=table: _worth(table, values))
            scores[of_domain] = columns[np.ix_(of_domain, members)].mean(axis=1)
            chosen[of_domain] = ", ".join(parts[member] for member in members)
    return ChosenScores(scores, chosen)


def _worth(table: pd.DataFrame, scores: np.ndarray) -> float:
    """Returns the harmonic mean over sections of AUC and pAUC; NaN without labels of both kinds."""
    sections = [section.scored() for section in labelled_sections(table.assign(score=scores))]
    return harmonic_mean(
        [of(one.anomalous, one.scores) for one in sections for of in (auc, partial_auc)]
    )


def _argmax(worths: Sequence[float]) -> int:
    return int(np.argmax([_or_least(worth) for worth in worths]))


def _or_least(worth: float) -> float:
    return -1.0 if np.isnan(worth) else worth
