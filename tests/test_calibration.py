"""Scores of unseen normal clips, thresholds, decisions."""

import json
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator

from asd_tf import calibration
from asd_tf.backends.cosine import NearestCosine
from asd_tf.backends.mahalanobis import LedoitWolfMahalanobis
from asd_tf.backends.per_domain import PerDomain
from asd_tf.calibration import (
    Threshold,
    cross_fit_scores,
    decide,
    feature_statistics,
    fit_threshold,
    fit_thresholds,
    held_out_scores,
    matching_weights,
)
from asd_tf.scoring import GroupScorer, Scorer


class Spy(BaseEstimator):
    """Scores a clip by how many clips it was fitted to; fails on a clip that it has seen."""

    fits: ClassVar = []

    def fit(self, X, y=None):
        """Remembers the clips, which their only feature names."""
        self.seen_ = set(X[:, 0])
        Spy.fits.append(self.seen_)
        return self

    def score_samples(self, X):
        """Returns minus the number of clips seen."""
        # The base class asks for scores of training rows too, all of them at once.
        return np.array([0.0 if x in self.seen_ else -float(len(self.seen_)) for x in X[:, 0]])


def group(estimator, which="all"):
    return GroupScorer([Scorer("net", PerDomain([("only", estimator, which)]))])


def spied(domain, seed=0):
    Spy.fits = []
    clips = {"net": np.arange(float(len(domain)))[:, None]}
    return cross_fit_scores(group(Spy()), clips, domain, seed)[:, 0]


def test_no_clip_is_scored_by_a_backend_that_has_seen_it():
    """Calibration scores are of clips that the backend knows, and thresholds are too low."""
    scores = spied(["source"] * 50 + ["target"] * 10)
    # 0 would be a clip that was seen; five folds leave 48 of 60 clips to each fit.
    np.testing.assert_array_equal(scores, 48)
    assert len(Spy.fits) == 5


def test_folds_are_stratified_by_domain():
    """A fold takes most target clips away, and its scores are those of another backend."""
    spied(["source"] * 50 + ["target"] * 10)
    for seen in Spy.fits:
        assert sum(clip >= 50 for clip in seen) == 8


@pytest.mark.parametrize(("targets", "fits"), [(3, 5 + 3), (9, 5 + 9), (10, 5)])
def test_domains_of_fewer_than_ten_clips_leave_one_out(targets, fits):
    """Three target clips are cut into folds, or cost their fold mates."""
    scores = spied(["source"] * 40 + ["target"] * targets)
    assert len(Spy.fits) == fits
    if targets < 10:
        np.testing.assert_array_equal(scores[40:], 40 + targets - 1)
        np.testing.assert_array_equal(scores[:40], 32 + targets)


def test_small_groups_leave_one_out_and_a_single_clip_has_no_score():
    """A section with few clips stops the run, or gets a score of a clip against itself."""
    np.testing.assert_array_equal(spied([pd.NA] * 4), [3] * 4)
    assert np.isnan(spied(["source"])).all()
    assert len(spied([])) == 0


def test_missing_domains_are_folded_with_source():
    """Clips without a domain are a domain of their own."""
    spied(["source"] * 6 + [None, pd.NA, np.nan, None])
    assert len(Spy.fits) == 5


def test_the_last_clip_of_a_members_domain_has_no_score():
    """A target-only backend with one target clip stops the run."""
    X = np.random.default_rng(0).normal(size=(12, 3))
    scorer = group(NearestCosine(), "target")
    scores = cross_fit_scores(scorer, {"net": X}, ["source"] * 11 + ["target"], 0)[:, 0]
    assert np.isfinite(scores[:11]).all()
    assert np.isnan(scores[11])


def test_cross_fit_scores_are_those_of_a_fit_to_the_rest():
    """Features of several items, or the scorer that is kept, are handled otherwise."""
    frames = np.random.default_rng(1).normal(size=(6, 4, 2))
    scorer = GroupScorer(
        [Scorer("net", PerDomain([("m", LedoitWolfMahalanobis(), "all")]), "items", "items")]
    )
    scores = cross_fit_scores(scorer, {"net": frames}, ["target"] * 6, 0)[:, 0]
    for clip in range(6):
        rest = np.delete(frames, clip, axis=0).reshape(-1, 2)
        items = LedoitWolfMahalanobis().fit(rest).score_samples(frames[clip])
        assert scores[clip] == pytest.approx(-items.mean())
    assert not hasattr(scorer.scorers[0].backend, "members_")


def test_the_seed_decides_the_folds():
    """Calibration differs from run to run, or a seed has no effect."""
    X = {"net": np.random.default_rng(2).normal(size=(30, 3))}
    first, again, other = (
        cross_fit_scores(group(NearestCosine()), X, ["source"] * 30, seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_matching_weights_make_parts_spread_alike():
    """Differences between groups, or clips without scores, get into the weight of a fusion."""
    rng = np.random.default_rng(0)
    groups = [np.stack([rng.normal(at, 3, 500), rng.normal(at, 0.5, 500)], 1) for at in (0, 90)]
    groups[0][::7] = np.nan
    assert matching_weights(groups) == pytest.approx([1, 6], rel=0.1)
    scaled = [of_group * [1, 10] for of_group in groups]
    assert matching_weights(scaled)[1] == pytest.approx(matching_weights(groups)[1] / 10)


@pytest.mark.parametrize("scores", [np.full([4, 2], np.nan), np.ones([4, 2])])
def test_parts_without_a_spread_weigh_the_same(scores):
    assert matching_weights([scores]) == [1, 1]


def test_clips_that_were_held_out_are_scored_by_a_fit_to_the_others():
    """The backend must not see what it is calibrated on, and the others get no score."""
    X = np.random.default_rng(3).normal(size=(12, 3))
    held = np.arange(12) % 4 == 0
    fitted, scores = held_out_scores(group(NearestCosine()), {"net": X}, ["source"] * 12, held)
    expected = -NearestCosine().fit(X[~held]).score_samples(X[held])
    np.testing.assert_allclose(scores[held, 0], expected)
    assert np.isnan(scores[~held]).all()
    np.testing.assert_allclose(fitted.score({"net": X[held]}).clip, expected)


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
    """A threshold comes of too few scores, or of another machine part than it could."""
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
    """A section gets the threshold of another machine, or one without scores stops the run."""
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
    """The only clip of a section, scored NaN, takes the threshold away from all."""
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
    """A fit that ran away puts the threshold where no score ever is."""
    scores = gamma_scores(30)
    monkeypatch.setattr(calibration.stats.gamma, "fit", fit)
    threshold = fit_threshold(scores, scores)
    assert (threshold.rule, threshold.scope) == ("empirical", "group")
    assert threshold.value == pytest.approx(np.quantile(scores, 0.9))


def test_equal_scores_are_their_own_threshold():
    """Clips that all score the same end in a traceback or a NaN."""
    threshold = fit_threshold(np.full(30, 0.3), np.full(30, 0.3))
    assert (threshold.rule, threshold.value) == ("empirical", pytest.approx(0.3))


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (100, 0), (1e-3, -1), (1, 1e5)])
def test_about_a_tenth_of_fresh_normal_clips_are_false_alarms(scale, shift):
    """Thresholds depend on the unit of a score: scipy's own start misses some by far."""
    alarms = []
    for seed in range(10):
        scores = gamma_scores(200, seed, scale, shift)
        threshold = fit_threshold(scores, scores)
        assert threshold.rule == "gamma"
        alarms.append(np.mean(gamma_scores(5000, seed + 100, scale, shift) > threshold.value))
    assert np.mean(alarms) == pytest.approx(0.1, abs=0.02)
    assert np.max(alarms) < 0.2


def test_another_quantile():
    """The share of false alarms that the user asks for is not the one that comes."""
    scores = gamma_scores(500)
    threshold = fit_threshold(scores, scores, quantile=0.99)
    assert threshold.quantile == 0.99
    assert np.mean(gamma_scores(5000, 1) > threshold.value) == pytest.approx(0.01, abs=0.01)


def test_threshold_survives_json():
    """A detector decides otherwise after loading."""
    for n in (0, 10, 40):
        threshold = fit_threshold(gamma_scores(n), gamma_scores(n))
        assert Threshold.from_json(json.loads(json.dumps(threshold.to_json()))) == threshold


def test_decisions_are_above_the_threshold_and_missing_without_one():
    """A clip without a score, or a group without a threshold, is called normal."""
    threshold = Threshold(0.5, "gamma", 20, "group", 0.9)
    decisions = decide([0.4, 0.5, 0.6, np.nan], threshold)
    assert str(decisions.dtype) == "Int64"
    assert decisions.tolist() == [0, 0, 1, pd.NA]
    assert decide([1.0], Threshold(None, "none", 1, "none", 0.9)).tolist() == [pd.NA]


def test_feature_statistics_count_clips_and_average_items():
    """Stored statistics are of another axis, or cannot be written as JSON."""
    frames = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)
    statistics = json.loads(json.dumps(feature_statistics(frames)))
    np.testing.assert_allclose(statistics["mean"], frames.mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(statistics["sd"], frames.std(axis=(0, 1)), rtol=1e-5)
    assert statistics["n"] == 5
    assert feature_statistics(frames[:, 0])["mean"] == frames[:, 0].mean(0, np.float64).tolist()
