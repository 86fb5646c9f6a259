"""Jackknife confidence intervals of official scores, over the choice of test clips."""

import dataclasses

import numpy as np
import pandas as pd
from scipy.stats import t as student

from asd_tf.evaluation.leave_one_out import leave_one_out_auc, leave_one_out_partial_auc
from asd_tf.evaluation.metrics import auc, weighted_mean
from asd_tf.evaluation.official import Formula
from asd_tf.evaluation.section_metrics import TERMS, Section, labeled_sections

CONFIDENCE = 0.95

_NO_SCORE = "there is no official score"


@dataclasses.dataclass(frozen=True)
class Interval:
    """A 95 % confidence interval of an official score.

    Attributes:
        low: Lower end; None if there is no interval.
        high: Upper end; None if there is no interval.
        reason: Why there is no interval; None if there is one.
        evaluator_ci95: The number that the official evaluators since 2022 print as "official score
            ci95", for comparison with theirs; see `evaluator_ci95`. None where it is undefined.
    """

    low: float | None
    high: float | None
    reason: str | None
    evaluator_ci95: float | None

    @property
    def half_width(self) -> float | None:
        """Half the distance between the ends; None if there is no interval."""
        return None if self.low is None else (self.high - self.low) / 2


def score_interval(scored: pd.DataFrame, metrics: pd.DataFrame, formula: Formula) -> Interval:
    """Computes the jackknife interval of the official score over all labeled test clips.

    With θ_i the score without clip i of n, the standard error is
    sqrt((n - 1) / n Σ (θ_i - mean θ)²). The interval extends from the score to both sides by the
    standard error times the 97.5 % quantile of Student's t distribution with n - 1 degrees of
    freedom. Clips without a score do not count in n. The interval covers the choice of test clips;
    it does not cover the seeds of training.

    Args:
        scored: The scored table.
        metrics: The table that `section_metrics` makes of it.
        formula: A value of `OFFICIAL_SCORES`.
    """
    sections = [section.scored() for section in labeled_sections(scored)]
    score = formula(metrics).score
    ci95 = evaluator_ci95(sections)
    if score is None:
        return Interval(None, None, _NO_SCORE, ci95)
    estimates = []
    values, weights = formula.weighted(metrics, formula.terms)
    for index, section in enumerate(sections):
        without = _terms_without_each(section, formula, values[index])
        is_lost = np.isnan(without) & (weights[index] > 0)
        if is_lost.any():
            term = formula.terms[int(np.argmax(is_lost.any(axis=0)))]
            _, machine, name = section.key
            reason = f"without one of its clips {machine} {name} would have no {term}"
            return Interval(None, None, reason, ci95)
        estimates.append(_scores_with(without, index, values, weights, formula.mean))
    estimates = np.concatenate(estimates)
    half = _quantile(len(estimates)) * _standard_error(estimates)
    return Interval(score - half, score + half, None, ci95)


def _scores_with(
    without: np.ndarray, index: int, values: np.ndarray, weights: np.ndarray, kind: str
) -> np.ndarray:
    """Returns the scores [clips] with the terms of section `index` replaced by each row.

    Args:
        without: [clips, terms], the terms of the section without each of its clips.
        index: Position of the section.
        values: [sections, terms], the terms with all clips.
        weights: [sections, terms].
        kind: Kind of mean, see `weighted_mean`.
    """
    # One value, the mean of all other sections, enters with the sum of their weights.
    other_weights = np.delete(weights, index, axis=0).ravel()
    other_mean = weighted_mean(kind, np.delete(values, index, axis=0).ravel(), other_weights)
    terms = np.column_stack([np.full(len(without), other_mean), without])
    return weighted_mean(kind, terms, np.array([other_weights.sum(), *weights[index]]))


def _terms_without_each(section: Section, formula: Formula, values: np.ndarray) -> np.ndarray:
    """Returns the terms [clips, terms] of a section without each of its clips."""
    without = np.tile(values, (len(section.scores), 1))
    for index, column in enumerate(formula.terms):
        term = TERMS[column]
        mask = term.mask(section.anomalous, section.in_target)
        leave_one_out = leave_one_out_auc if term.metric is auc else leave_one_out_partial_auc
        without[mask, index] = leave_one_out(section.anomalous[mask], section.scores[mask])
    return without


def evaluator_ci95(sections: list[Section]) -> float | None:
    """Computes "official score ci95" as the official evaluators since DCASE 2022 print it.

    It is the mean of two jackknife half widths, of the AUC and of the pAUC of all clips pooled over
    sections, although scores of different sections are not comparable. The evaluators divide the
    sum of squared deviations by n (n - 1) where the jackknife multiplies it by (n - 1) / n, so that
    the result is n - 1 times too small. Judge a score by `score_interval` instead.

    Args:
        sections: All sections, without clips that have no score.

    Returns:
        The half width, or None if a class has fewer than two clips.
    """
    anomalous = np.concatenate([section.anomalous for section in sections] or [np.zeros(0, bool)])
    scores = np.concatenate([section.scores for section in sections] or [np.zeros(0)])
    if min(np.sum(anomalous), np.sum(~anomalous)) < 2:
        return None
    errors = [
        _standard_error(leave_one_out(anomalous, scores))
        for leave_one_out in (leave_one_out_auc, leave_one_out_partial_auc)
    ]
    count = len(scores)
    return float(_quantile(count) * np.mean(errors) / (count - 1))


def _standard_error(estimates: np.ndarray) -> float:
    deviations = estimates - np.mean(estimates)
    count = len(estimates)
    return float(np.sqrt((count - 1) / count * np.sum(deviations**2)))


def _quantile(count: int) -> float:
    return float(student.ppf((1 + CONFIDENCE) / 2, count - 1))
