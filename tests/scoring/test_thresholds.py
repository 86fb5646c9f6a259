"""Thresholds must be the quantile of the right scores, and decisions must follow them."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from asd_tf.scoring import thresholds
from asd_tf.scoring.thresholds import Threshold, decide, fit_threshold, fit_thresholds


def gamma_scores(n, seed=0, scale=1.0, shift=0.0):
    return shift + scale * np.random.default_rng(seed).gamma(3, 1, n)


@pytest.mark.parametrize(
    ("group_n", "machine_n", "rule", "scope", "n"),
    [
        (20, 60, "gamma", "group", 20),
        (19, 60, "gamma", "machine", 60),
        (19, 20, "gamma", "machine", 20),
        (5, 19, "empirical", "machine", 19),
        (19, 19, "empirical", "group", 19),
        (0, 2, "empirical", "machine", 2),
        (2, 2, "empirical", "group", 2),
        (1, 1, "none", "none", 1),
        (0, 0, "none", "none", 0),
    ],
)
def test_rule_of_the_threshold_at_each_boundary(group_n, machine_n, rule, scope, n):
    """Rule and scope must depend on the numbers of scores as documented."""
    machine = gamma_scores(machine_n)
    threshold = fit_threshold(machine[:group_n], machine)
    assert (threshold.rule, threshold.scope, threshold.n) == (rule, scope, n)
    scores = machine[:group_n] if scope == "group" else machine
    if rule == "none":
        assert threshold.value is None
    elif rule == "empirical":
        assert threshold.value == pytest.approx(np.quantile(scores, 0.9))
    else:
        fitted = stats.gamma(*stats.gamma.fit(scores))
        assert fitted.cdf(threshold.value) == pytest.approx(0.9, abs=0.02)


def test_each_group_is_judged_by_its_own_scores_or_those_of_its_machine():
    """Groups must have thresholds of their own or of their machine; none without scores."""
    sections = [("fan", "00", 30), ("fan", "01", 5), ("pump", "00", 30)]
    table = pd.concat(
        pd.DataFrame({"machine": m, "section": s, "score": gamma_scores(n, seed)})
        for seed, (m, s, n) in enumerate(sections)
    )
    groups = [(machine, section) for machine, section, _ in sections] + [("valve", "00")]
    found = fit_thresholds(table, groups, 0.8)
    fan, pump = (table.loc[table["machine"] == m, "score"] for m in ("fan", "pump"))
    assert found["fan", "00"] == fit_threshold(fan[:30], fan, 0.8)
    assert found["fan", "01"] == fit_threshold(fan[30:], fan, 0.8)
    assert found["fan", "01"].n == 35
    assert found["pump", "00"] == fit_threshold(pump, pump, 0.8)
    assert found["valve", "00"].rule == "none"


def test_scores_that_are_not_finite_do_not_count():
    """Scores that are NaN or infinite must be ignored."""
    scores = np.append(gamma_scores(20), [np.nan, np.inf])
    assert fit_threshold(scores, scores) == fit_threshold(scores[:20], scores[:20])
    assert fit_threshold(np.append(scores[:19], np.nan), scores[:19]).n == 19


def refuses(scores):
    raise stats.FitError("optimization failed")


@pytest.mark.parametrize(
    "fit",
    [
        refuses,
        lambda scores: (np.nan, 0, 1),
        lambda scores: (1, 0, 1e9),
        lambda scores: (1, -1e9, 1),
    ],
)
def test_a_failed_fit_gives_the_empirical_quantile(fit, monkeypatch):
    """A fit that fails or diverges must be replaced by the empirical quantile."""
    scores = gamma_scores(30)
    monkeypatch.setattr(thresholds.stats.gamma, "fit", fit)
    threshold = fit_threshold(scores, scores)
    assert (threshold.rule, threshold.scope) == ("empirical", "group")
    assert threshold.value == pytest.approx(np.quantile(scores, 0.9))


def test_equal_scores_are_their_own_threshold():
    """Equal scores must give their value as threshold."""
    threshold = fit_threshold(np.full(30, 0.3), np.full(30, 0.3))
    assert (threshold.rule, threshold.value) == ("empirical", pytest.approx(0.3))


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (100, 0), (1e-3, -1), (1, 1e5)])
def test_about_a_tenth_of_fresh_normal_clips_are_false_alarms(scale, shift):
    """The share of false alarms must not depend on scale and shift of the scores."""
    alarms = []
    for seed in range(10):
        scores = gamma_scores(200, seed, scale, shift)
        threshold = fit_threshold(scores, scores)
        assert threshold.rule == "gamma"
        alarms.append(np.mean(gamma_scores(5000, seed + 100, scale, shift) > threshold.value))
    assert np.mean(alarms) == pytest.approx(0.1, abs=0.02)
    assert np.max(alarms) < 0.2


def test_another_quantile():
    """The share of false alarms must follow the quantile."""
    scores = gamma_scores(500)
    threshold = fit_threshold(scores, scores, quantile=0.99)
    assert threshold.quantile == 0.99
    assert np.mean(gamma_scores(5000, 1) > threshold.value) == pytest.approx(0.01, abs=0.01)


def test_threshold_survives_json():
    """A threshold must be equal after it was written and read."""
    for n in (0, 10, 40):
        threshold = fit_threshold(gamma_scores(n), gamma_scores(n))
        assert Threshold.from_json(json.loads(json.dumps(threshold.to_json()))) == threshold


def test_decisions_are_above_the_threshold_and_missing_without_one():
    """Only a higher score is anomalous; without score or threshold there is no decision."""
    threshold = Threshold(0.5, "gamma", 20, "group", 0.9)
    decisions = decide([0.4, 0.5, 0.6, np.nan], threshold)
    assert str(decisions.dtype) == "Int64"
    assert decisions.tolist() == [0, 0, 1, pd.NA]
    assert decide([1.0], Threshold(None, "none", 1, "none", 0.9)).tolist() == [pd.NA]
