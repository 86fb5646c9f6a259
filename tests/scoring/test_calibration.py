"""Calibration scores must be of clips that the backend was not fitted to."""

import json
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from asd_tf.backends.cosine import NearestCosine
from asd_tf.backends.mahalanobis import LedoitWolfMahalanobis
from asd_tf.backends.per_domain import PerDomain
from asd_tf.scoring.calibration import (
    cross_fit_scores,
    feature_statistics,
    held_out_scores,
    matching_weights,
    score_scales,
)
from asd_tf.scoring.group_scorer import GroupScorer
from asd_tf.scoring.scorers import Scorer


class Spy(BaseEstimator):
    """Its anomaly score is the number of clips it was fitted to, and 0 for each of these."""

    fits: ClassVar = []

    def fit(self, X, y=None):
        """Keeps the clips; the only feature of a clip is its number."""
        self.seen_ = set(X[:, 0])
        Spy.fits.append(self.seen_)
        return self

    def score_samples(self, X):
        """Returns minus the anomaly score."""
        return np.array([0.0 if x in self.seen_ else -float(len(self.seen_)) for x in X[:, 0]])


def group(estimator, domain="all"):
    return GroupScorer([Scorer("net", PerDomain([("only", estimator, domain)]))])


def spied(domain, seed=0):
    Spy.fits = []
    clips = {"net": np.arange(float(len(domain)))[:, None]}
    return cross_fit_scores(group(Spy()), clips, domain, seed)[:, 0]


def test_no_clip_is_scored_by_a_backend_that_has_seen_it():
    """Each clip must be scored by a fit without it, or thresholds would be too low."""
    scores = spied(["source"] * 50 + ["target"] * 10)
    # Each of the 5 fits has 48 of the 60 clips; a clip of the fit would have the score 0.
    np.testing.assert_array_equal(scores, 48)
    assert len(Spy.fits) == 5


def test_folds_are_stratified_by_domain():
    """Each fit must have the same share of target clips."""
    spied(["source"] * 50 + ["target"] * 10)
    for seen in Spy.fits:
        assert sum(clip >= 50 for clip in seen) == 8


@pytest.mark.parametrize(("targets", "fits"), [(3, 5 + 3), (9, 5 + 9), (10, 5)])
def test_domains_of_fewer_than_ten_clips_leave_one_out(targets, fits):
    """Each clip of a small domain must be scored by a fit to all other clips."""
    scores = spied(["source"] * 40 + ["target"] * targets)
    assert len(Spy.fits) == fits
    if targets < 10:
        np.testing.assert_array_equal(scores[40:], 40 + targets - 1)
        np.testing.assert_array_equal(scores[:40], 32 + targets)


def test_small_groups_leave_one_out_and_a_single_clip_has_no_score():
    """A few clips must be scored by leave-one-out, and a single clip must have no score."""
    np.testing.assert_array_equal(spied([pd.NA] * 4), [3] * 4)
    assert np.isnan(spied(["source"])).all()
    assert len(spied([])) == 0


def test_missing_domains_are_folded_with_source():
    """Missing domains must count as source."""
    spied(["source"] * 6 + [None, pd.NA, np.nan, None])
    assert len(Spy.fits) == 5


def test_the_last_clip_of_a_members_domain_has_no_score():
    """A clip must have no score if the fit without it has no training rows."""
    X = np.random.default_rng(0).normal(size=(12, 3))
    scorer = group(NearestCosine(), "target")
    scores = cross_fit_scores(scorer, {"net": X}, ["source"] * 11 + ["target"], 0)[:, 0]
    assert np.isfinite(scores[:11]).all()
    assert np.isnan(scores[11])


def test_cross_fit_scores_are_those_of_a_fit_to_the_rest():
    """Items must stay with their clips, and the given scorer must stay unfitted."""
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
    """Equal seeds must give equal folds, and other seeds other folds."""
    X = {"net": np.random.default_rng(2).normal(size=(30, 3))}
    first, again, other = (
        cross_fit_scores(group(NearestCosine()), X, ["source"] * 30, seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_matching_weights_make_parts_spread_alike():
    """Weights must equalize standard deviations within groups, of clips with scores only."""
    rng = np.random.default_rng(0)
    groups = [np.stack([rng.normal(at, 3, 500), rng.normal(at, 0.5, 500)], 1) for at in (0, 90)]
    groups[0][::7] = np.nan
    assert matching_weights(groups) == pytest.approx([1, 6], rel=0.1)
    scaled = [of_group * [1, 10] for of_group in groups]
    assert matching_weights(scaled)[1] == pytest.approx(matching_weights(groups)[1] / 10)


@pytest.mark.parametrize("scores", [np.full([4, 2], np.nan), np.ones([4, 2])])
def test_parts_without_a_spread_weigh_the_same(scores):
    """Weights must be 1 if there are no scores, or if all are equal."""
    assert matching_weights([scores]) == [1, 1]


def test_clips_that_were_held_out_are_scored_by_a_fit_to_the_others():
    """Held-out clips must not be fitted to, and only they must have scores."""
    X = np.random.default_rng(3).normal(size=(12, 3))
    held = np.arange(12) % 4 == 0
    fitted, scores = held_out_scores(group(NearestCosine()), {"net": X}, ["source"] * 12, held)
    expected = -NearestCosine().fit(X[~held]).score_samples(X[held])
    np.testing.assert_allclose(scores[held, 0], expected)
    assert np.isnan(scores[~held]).all()
    np.testing.assert_allclose(fitted.score({"net": X[held]}).clip, expected)


def test_feature_statistics_count_clips_and_average_items():
    """Statistics must be over clips and items, and in plain values for JSON."""
    frames = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)
    statistics = json.loads(json.dumps(feature_statistics(frames)))
    np.testing.assert_allclose(statistics["mean"], frames.mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(statistics["std"], frames.std(axis=(0, 1)), rtol=1e-5)
    assert statistics["n"] == 5
    assert feature_statistics(frames[:, 0])["mean"] == frames[:, 0].mean(0, np.float64).tolist()


@pytest.mark.parametrize(("recordings", "fits"), [(20, 5), (3, 3)])
def test_windows_of_a_recording_are_never_on_both_sides(recordings, fits):
    """No window may be scored by a backend that has seen another window of its recording."""
    recording = np.random.default_rng(0).permutation(np.repeat(np.arange(recordings), 7))
    Spy.fits = []
    clips = {"net": np.arange(float(len(recording)))[:, None]}
    names = [f"recording {number}" for number in recording]
    scores = cross_fit_scores(group(Spy()), clips, ["source"] * len(names), 0, names)
    assert (scores > 0).all()
    assert len(Spy.fits) == fits
    for seen in Spy.fits:
        known = {recording[int(clip)] for clip in seen}
        assert len(seen) == 7 * len(known)
        assert len(known) == recordings - recordings // fits


def test_windows_of_the_only_recording_have_no_score():
    scores = cross_fit_scores(group(Spy()), {"net": np.arange(5.0)[:, None]}, ["source"] * 5, 0,
                              ["monday"] * 5)  # fmt: skip
    assert np.isnan(scores).all()


def test_scales_of_a_small_group_are_those_within_its_machine():
    """The mean must be that of the group; the deviation of few clips, that within all groups."""
    rng = np.random.default_rng(0)
    large, small = rng.normal([3, 0], [2, 1], size=(400, 2)), rng.normal(9, 1, size=(3, 2))
    (mean, std), second = score_scales(large, [large, small])
    assert (mean, std) == pytest.approx((3, 2), abs=0.3) and second[1] == pytest.approx(1, abs=0.2)
    (mean, std), _ = score_scales(small, [large, small])
    assert mean == pytest.approx(small[:, 0].mean()) and std == pytest.approx(2, abs=0.3)
    unknown = np.full((4, 2), np.nan)
    assert score_scales(unknown, [unknown]) == [(0.0, 1.0)] * 2
