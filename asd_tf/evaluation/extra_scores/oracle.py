"""Scores that no detector can have, since they are made with the labels of the test clips."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from asd_tf.evaluation.extra_scores.transductive import standardized_over_test
from asd_tf.evaluation.metrics import auc, harmonic_mean, partial_auc
from asd_tf.evaluation.official import OFFICIAL_SCORES
from asd_tf.evaluation.section_metrics import labeled_sections, section_metrics

# Candidate weights, as multiples of the weight that gives both parts the same standard deviation.
_FACTORS = np.concatenate([[0.0], np.logspace(-2, 2, 81)])

# Candidate numbers of parts to average (Kuroyanagi et al., DCASE 2021, Section 3.1).
_COUNTS = (3, 5, 10, 20)

# Called with scores [clips, parts] and a metric of scores [clips]; returns the indices of the parts
# to average.
Choose = Callable[[np.ndarray, Callable[[np.ndarray], float]], Sequence[int]]


class WeightedScores(NamedTuple):
    """Weighted sums of two parts.

    Attributes:
        scores: [n], first part + weight * second part.
        weights: [n], the same for all clips of a subset and machine.
    """

    scores: np.ndarray
    weights: np.ndarray


def oracle_gamma(scored: pd.DataFrame, first: str, second: str, formula: str) -> WeightedScores:
    """Adds two parts with the weight that gives each machine its best official score.

    GeCo (Zeng et al., ICASSP 2023, Section 3.3) chose its gamma for each machine type like this, by
    grid search on labeled test clips. The result is an upper bound for such a sum, not a result.

    Args:
        scored: The scored table, with a column for each part, NaN where a clip has no score.
        first: Column of the part with weight 1.
        second: Column of the part whose weight is chosen.
        formula: Name of the formula of the official score.

    Returns:
        Scores and weights of the rows of `scored`; a machine without labels has weight 1.
    """
    scores, weights = np.full(len(scored), np.nan), np.ones(len(scored))
    parts = scored[[first, second]].to_numpy(np.float64)
    for indices in scored.groupby(["subset", "machine"], sort=True).indices.values():
        table = scored.iloc[indices]
        candidates = _candidate_weights(parts[indices])
        official = [
            _official_score(table, _weighted_sum(parts[indices], weight), formula)
            for weight in candidates
        ]
        if any(score is not None for score in official):
            best = np.argmax([-1.0 if score is None else score for score in official])
            weights[indices] = candidates[best]
        scores[indices] = _weighted_sum(parts[indices], weights[indices])
    return WeightedScores(scores, weights)


def _candidate_weights(parts: np.ndarray) -> np.ndarray:
    first, second = np.nanstd(parts, axis=0) if np.isfinite(parts).any() else (1.0, 1.0)
    return _FACTORS * (first / second if first > 0 and second > 0 else 1.0)


def _weighted_sum(parts: np.ndarray, weight: float | np.ndarray) -> np.ndarray:
    return parts[:, 0] + weight * parts[:, 1]


def _official_score(table: pd.DataFrame, scores: np.ndarray, formula: str) -> float | None:
    compute = OFFICIAL_SCORES[formula]
    return compute(section_metrics(table.assign(score=scores), compute.terms)).score


class ChosenScores(NamedTuple):
    """Means of chosen parts.

    Attributes:
        scores: [n].
        parts: [n], names of the chosen parts, joined by commas; the same for all clips of a machine
            and domain.
    """

    scores: np.ndarray
    parts: np.ndarray


def oracle_select_on_dev(scored: pd.DataFrame, parts: Sequence[str]) -> ChosenScores:
    """Takes for each machine and domain the part that is best on labeled dev clips.

    This is "AE+BC ens (max)" of Kuroyanagi et al. (DCASE 2021, Table 1). The best part has the
    highest harmonic mean over sections of AUC and pAUC, of the test clips of the dev subset and the
    domain; it is used in both subsets. The scores of each part are first standardized over the test
    clips of each subset, machine and section, so that both domains of a section share a scale even
    if their parts differ. The score of a clip depends on which other clips are tested.

    Args:
        scored: The scored table, with a column for each part, NaN where a clip has no score.
        parts: These columns.

    Returns:
        Scores and parts of the rows of `scored`. Clips without a domain get the part that is best
        on all labeled clips of their machine; without labels, the first part is taken.
    """

    def best(scores, metric):
        return [_argmax([metric(part) for part in scores.T])]

    return _chosen_on_dev(scored, parts, best)


def oracle_best_parts(scored: pd.DataFrame, parts: Sequence[str]) -> ChosenScores:
    """Averages for each machine and domain the N parts that are best on labeled dev clips.

    This is "selecting the N-best models" of Kuroyanagi et al. (DCASE 2021, Section 3.1). N is the
    best of 3, 5, 10 and 20, as far as there are so many parts. N and the parts are chosen by the
    metric of `oracle_select_on_dev`; scores are standardized, and clips without a domain or without
    labels are treated as there.

    Args:
        scored: The scored table, with a column for each part, NaN where a clip has no score.
        parts: These columns, at least 3.
    """

    def best(scores, metric):
        ranked = np.argsort([-_nan_to_min(metric(part)) for part in scores.T], kind="stable")
        candidates = [ranked[:count] for count in _COUNTS if count <= len(ranked)]
        return candidates[_argmax([metric(scores[:, ids].mean(axis=1)) for ids in candidates])]

    return _chosen_on_dev(scored, parts, best)


def _chosen_on_dev(scored: pd.DataFrame, parts: Sequence[str], choose: Choose) -> ChosenScores:
    columns = standardized_over_test(scored, scored[list(parts)].to_numpy(np.float64))
    scores, chosen = np.full(len(scored), np.nan), np.full(len(scored), "", object)
    domains = scored["domain"].astype("string").fillna("").to_numpy(str)
    is_dev = (scored["subset"] == "dev").to_numpy(bool)
    for of_machine in scored.groupby("machine", sort=True).indices.values():
        for domain in np.unique(domains[of_machine]):
            of_domain = of_machine[domains[of_machine] == domain]
            judged = of_domain if domain else of_machine
            judged = judged[is_dev[judged]]
            table = scored.iloc[judged]
            best = choose(columns[judged], lambda values, table=table: _metric(table, values))
            scores[of_domain] = columns[np.ix_(of_domain, best)].mean(axis=1)
            chosen[of_domain] = ", ".join(parts[index] for index in best)
    return ChosenScores(scores, chosen)


def _metric(table: pd.DataFrame, scores: np.ndarray) -> float:
    """Returns the harmonic mean over sections of AUC and pAUC; NaN if no section has both."""
    sections = [section.scored() for section in labeled_sections(table.assign(score=scores))]
    return harmonic_mean(
        [
            area(section.anomalous, section.scores)
            for section in sections
            for area in (auc, partial_auc)
        ]
    )


def _argmax(metrics: Sequence[float]) -> int:
    return int(np.argmax([_nan_to_min(metric) for metric in metrics]))


def _nan_to_min(metric: float) -> float:
    """Returns a value below all others for a metric that does not exist."""
    return -1.0 if np.isnan(metric) else metric
