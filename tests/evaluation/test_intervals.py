"""Intervals must be those of the jackknife, and cover the choice of test clips."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from asd_tf.evaluation.intervals import score_interval
from asd_tf.evaluation.metrics import auc, partial_auc
from asd_tf.evaluation.official import OFFICIAL_SCORES
from asd_tf.evaluation.section_metrics import section_metrics

FORMULAS = sorted(OFFICIAL_SCORES)


def naive_half_width(scored, formula):
    """Drops each clip from the table and computes the score of the rest."""
    compute = OFFICIAL_SCORES[formula]
    kept = scored[scored["score"].notna() & scored["label"].notna()]
    sections = dict(list(kept.groupby(["machine", "section"])))
    tables = {key: section_metrics(rows, compute.terms) for key, rows in sections.items()}
    scores = []
    for key, rows in sections.items():
        for index in rows.index:
            # Only the metrics of the clip's own section change.
            changed = {key: section_metrics(rows.drop(index=index), compute.terms)}
            scores.append(compute(pd.concat((tables | changed).values())).score)
    count = len(scores)
    variance = (count - 1) / count * np.sum((scores - np.mean(scores)) ** 2)
    return stats.t.ppf(0.975, count - 1) * np.sqrt(variance)


def interval_of(scored, formula):
    return score_interval(scored, section_metrics(scored), OFFICIAL_SCORES[formula])


@pytest.mark.parametrize("formula", FORMULAS)
def test_interval_is_that_of_leaving_out_every_clip(scored_table, formula):
    scored = scored_table(["fan", "pump", "valve"], 2, per_class=3, seed=1)
    # Machines of different sizes, a section of one class, and clips without score or label.
    scored["score"] = scored["score"].mask(scored.index == 5)
    scored["label"] = scored["label"].mask(scored.index == 9)
    key = scored["machine"] + scored["section"]
    scored = scored[(key != "fan01") & ~((key == "pump01") & (scored["label"] == 1))]
    interval = interval_of(scored, formula)
    score = OFFICIAL_SCORES[formula](section_metrics(scored)).score
    expected = naive_half_width(scored, formula)
    assert interval.low == pytest.approx(score - expected, abs=1e-12)
    assert interval.high == pytest.approx(score + expected, abs=1e-12)


def test_interval_of_a_single_section(scored_table):
    scored = scored_table(["fan"], 1, per_class=5)
    half_width = interval_of(scored, "dcase2022").half_width
    assert half_width == pytest.approx(naive_half_width(scored, "dcase2022"), abs=1e-12)


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_section_at_the_floor_of_the_mean_keeps_the_interval_finite(scored_table, formula):
    scored = scored_table(["fan", "pump"], 1, per_class=4)
    worst = (scored["machine"] == "fan") & (scored["label"] == 1)
    scored.loc[worst, "score"] = -100.0
    expected = naive_half_width(scored, formula)
    assert interval_of(scored, formula).half_width == pytest.approx(expected, abs=1e-12)


def test_the_interval_covers_the_choice_of_clips(scored_table):
    """Standard errors must equal the standard deviation over test sets drawn independently."""
    scores, errors = [], []
    formula = OFFICIAL_SCORES["dcase2022"]
    for seed in range(80):
        scored = scored_table(["fan"], 1, per_class=40, seed=seed)
        metrics = section_metrics(scored, formula.terms)
        scores.append(formula(metrics).score)
        if seed < 20:  # they differ far less than the scores
            errors.append(score_interval(scored, metrics, formula).half_width / 1.98)
    assert np.mean(errors) == pytest.approx(np.std(scores, ddof=1), rel=0.2)


def test_a_class_with_a_single_clip_gives_a_reason_instead(scored):
    fan = (scored["machine"] == "fan") & (scored["section"] == "00") & (scored["label"] == 1)
    scored = scored[~fan | (scored.index == fan.idxmax())]
    interval = interval_of(scored, "dcase2022")
    assert (interval.low, interval.high, interval.half_width) == (None, None, None)
    assert "fan 00 would have no auc_source" in interval.reason


def test_without_an_official_score_there_is_no_interval(scored):
    for table in (scored[:0], scored.assign(label=pd.NA), scored[scored["label"] == 0]):
        interval = interval_of(table, "dcase2022")
        assert (interval.low, interval.reason) == (None, "there is no official score")
        assert interval.evaluator_ci95 is None


def test_the_number_of_the_evaluators_pools_all_clips(scored):
    labels, scores = scored["label"].to_numpy(int), scored["score"].to_numpy()
    count, half_widths = len(scored), []
    for metric in (auc, partial_auc):
        each = [metric(np.delete(labels, k), np.delete(scores, k)) for k in range(count)]
        variance = np.sum((each - np.mean(each)) ** 2) / (count * (count - 1))
        half_widths.append(stats.t.ppf(0.975, count - 1) * np.sqrt(variance))
    found = interval_of(scored, "dcase2022").evaluator_ci95
    assert found == pytest.approx(np.mean(half_widths), rel=1e-9)
