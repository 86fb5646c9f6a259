"""How far an official score could be off by the choice of test clips: jackknife intervals."""

import dataclasses

import numpy as np
import pandas as pd
from scipy.stats import t as student

from asd_tf.evaluation.leave_one_out import leave_one_out_auc, leave_one_out_partial_auc
from asd_tf.evaluation.metrics import auc, weighted_mean
from asd_tf.evaluation.official import Formula
from asd_tf.evaluation.sections import TERMS, Section, labelled_sections

CONFIDENCE = 0.95

_NO_SCORE = "there is no official score"


@dataclasses.dataclass(frozen=True)
class Interval:
    """An interval of 95 % confidence of an official score.

    Attributes:
        low, high: Its ends; None where it does not exist.
        reason: Why it does not exist, or None.
        evaluator_ci95: The number that the official evaluators since 2022 print as "official score
            ci95", for comparison with theirs; see `evaluator_ci95`. None where it does not exist.
    """

    low: float | None
    high: float | None
    reason: str | None
    evaluator_ci95: float | None

    @property
    def half_width(self) -> float | None:
        """Half the distance of the ends."""
        return None if self.low is None else (self.high - self.low) / 2


def score_interval(scored: pd.DataFrame, metrics: pd.DataFrame, formula: Formula) -> Interval:
    """Computes the jackknife interval of the official score over all labelled test clips.

    The score is computed without each clip in turn, θ_i; with n clips the standard error is
    sqrt((n - 1) / n Σ (θ_i - mean θ)²), and the interval is as many of those to each side of the
    score as Student's distribution with n - 1 degrees of freedom asks for. Clips without a score
    are none of the n. It tells how the score depends on the choice of clips, not of seeds.

    Args:
        scored: The scored table.
        metrics: The table of `section_metrics` of it.
        formula: A value of `OFFICIAL_SCORES`.
    """
    sections = [section.scored() for section in labelled_sections(scored)]
    score = formula(metrics).score
    evaluators = evaluator_ci95(sections)
    if score is None:
        return Interval(None, None, _NO_SCORE, evaluators)
    estimates = []
    values, weights = formula.weighted(metrics, formula.terms)
    for index, section in enumerate(sections):
        without = _terms_without_each(section, formula, values[index])
        lost = np.isnan(without) & (weights[index] > 0)
        if lost.any():
            term = formula.terms[int(np.argmax(lost.any(axis=0)))]
            _, machine, name = section.key
            reason = f"without one of its clips {machine} {name} would have no {term}"
            return Interval(None, None, reason, evaluators)
        estimates.append(_scores_with(without, index, values, weights, formula.mean))
    estimates = np.concatenate(estimates)
    half = _quantile(len(estimates)) * _standard_error(estimates)
    return Interval(score - half, score + half, None, evaluators)


def _scores_with(
    without: np.ndarray, index: int, values: np.ndarray, weights: np.ndarray, kind: str
) -> np.ndarray:
    """Returns the scores [clips] with terms [clips, terms] in place of those of a section."""
    # The mean over the other sections stands for them with all of their weight.
    others = np.delete(weights, index, axis=0).ravel()
    mean = weighted_mean(kind, np.delete(values, index, axis=0).ravel(), others)
    terms = np.column_stack([np.full(len(without), mean), without])
    return weighted_mean(kind, terms, np.array([others.sum(), *weights[index]]))


def _terms_without_each(section: Section, formula: Formula, values: np.ndarray) -> np.ndarray:
    """Returns the terms [clips, terms] of a section without each of its clips."""
    without = np.tile(values, (len(section.scores), 1))
    for index, column in enumerate(formula.terms):
        term = TERMS[column]
        members = term.members(section.anomalous, section.in_target)
        each = leave_one_out_auc if term.metric is auc else leave_one_out_partial_auc
        without[members, index] = each(section.anomalous[members], section.scores[members])
    return without


def evaluator_ci95(sections: list[Section]) -> float | None:
    """Computes "official score ci95" as the official evaluators since DCASE 2022 print it.

    It is the mean of two half widths, of the AUC and of the pAUC of the clips of all sections
    pooled, as if their scores could be compared; and the evaluators divide the squared deviations
    by n (n - 1) where the jackknife multiplies by (n - 1) / n, so that it is n - 1 times too small.
    `score_interval` is the one to judge a score by.

    Args:
        sections: All sections, their clips with a score.

    Returns:
        The half width, or None with fewer than two clips of a class.
    """
    anomalous = np.concatenate([section.anomalous for section in sections] or [np.zeros(0, bool)])
    scores = np.concatenate([section.scores for section in sections] or [np.zeros(0)])
    if min(np.sum(anomalous), np.sum(~anomalous)) < 2:
        return None
    errors = [
        _standard_error(each(anomalous, scores))
        for each in (leave_one_out_auc, leave_one_out_partial_auc)
    ]
    count = len(scores)
    return float(_quantile(count) * np.mean(errors) / (count - 1))


def _standard_error(estimates: np.ndarray) -> float:
    deviations = estimates - np.mean(estimates)
    count = len(estimates)
    return float(np.sqrt((count - 1) / count * np.sum(deviations**2)))


def _quantile(count: int) -> float:
    return float(student.ppf((1 + CONFIDENCE) / 2, count - 1))
