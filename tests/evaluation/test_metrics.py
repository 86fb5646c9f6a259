"""AUC, pAUC and means must follow their definitions, as used in every paper of the field."""

import sys

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from asd_tf.evaluation.metrics import auc, harmonic_mean, partial_auc, weighted_mean


def auc_by_counting_pairs(labels, scores):
    anomalous, normal = scores[labels == 1], scores[labels == 0]
    wins = (anomalous[:, None] > normal[None, :]).sum()
    ties = (anomalous[:, None] == normal[None, :]).sum()
    return (wins + 0.5 * ties) / (len(anomalous) * len(normal))


@pytest.mark.parametrize("seed", range(5))
def test_auc_counts_pairs_and_halves_ties(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 83)
    scores = rng.integers(0, 12, 83) + labels
    assert auc(labels, scores.astype(float)) == pytest.approx(auc_by_counting_pairs(labels, scores))


@pytest.mark.parametrize("seed", range(5))
def test_areas_equal_those_of_scikit_learn(seed):
    """To the last bit, so that results do not depend on which function computes them."""
    rng = np.random.default_rng(seed)
    labels, scores = rng.integers(0, 2, 150), rng.normal(size=150).round(seed)
    assert auc(labels, scores) == roc_auc_score(labels, scores)
    for max_fpr in (0.01, 0.1, 0.37, 1.0):
        expected = roc_auc_score(labels, scores, max_fpr=max_fpr)
        assert partial_auc(labels, scores, max_fpr) == expected


def test_auc_is_high_when_anomalous_clips_score_higher():
    assert auc([0, 0, 1], [0.1, 0.2, 0.3]) == 1.0
    assert auc([0, 0, 1], [-0.1, -0.2, -0.3]) == 0.0


def test_partial_auc_is_standardized_as_mcclish():
    # 20 normal clips 0..19 and anomalous clips at 18.5, 17.5, 10.5 and 30: the ROC curve starts at
    # 1/4, rises to 2/4 at a false positive rate of 1/20 and to 3/4 at 2/20.
    normal, anomalous = list(range(20)), [18.5, 17.5, 10.5, 30.0]
    area = 0.05 * 1 / 4 + 0.05 * 2 / 4
    chance = 0.1**2 / 2
    expected = 0.5 * (1 + (area - chance) / (0.1 - chance))
    assert partial_auc([0] * 20 + [1] * 4, normal + anomalous) == pytest.approx(expected, abs=1e-12)


def test_partial_auc_interpolates_between_the_points_of_the_curve():
    # One normal clip between two anomalous ones: the curve is flat at 1/2, with no point at 0.1.
    area, chance = 0.1 * 0.5, 0.1**2 / 2
    expected = 0.5 * (1 + (area - chance) / (0.1 - chance))
    assert partial_auc([0, 1, 1], [1.0, 0.0, 2.0]) == pytest.approx(expected)
    # All tied: the curve is the diagonal, which is chance at every rate.
    assert partial_auc([0, 1, 0, 1], [1.0, 1.0, 1.0, 1.0]) == pytest.approx(0.5)


def test_partial_auc_ends_at_the_given_rate():
    labels, scores = [0, 0, 1, 1], [0.0, 2.0, 1.0, 3.0]
    assert partial_auc(labels, scores, max_fpr=1.0) == pytest.approx(auc(labels, scores))
    assert partial_auc(labels, scores, max_fpr=0.2) != partial_auc(labels, scores, max_fpr=0.9)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], []])
def test_one_class_has_no_area(labels):
    scores = np.arange(len(labels), dtype=float)
    assert np.isnan(auc(labels, scores))
    assert np.isnan(partial_auc(labels, scores))


def test_harmonic_mean_ignores_missing_values():
    assert harmonic_mean([0.5, np.nan, 1.0]) == pytest.approx(2 / (1 / 0.5 + 1 / 1.0))
    assert np.isnan(harmonic_mean([np.nan]))
    assert np.isnan(harmonic_mean([]))


def test_harmonic_mean_has_the_floor_of_the_official_evaluator():
    expected = 2 / (1 / sys.float_info.epsilon + 1 / 0.5)
    assert harmonic_mean([0.0, 0.5]) == pytest.approx(expected, rel=1e-12)


def test_weighted_means_count_values_by_their_weight():
    values = np.array([[0.2, 0.4, np.nan], [0.8, np.nan, np.nan]])
    weights = np.array([[1.0, 3.0, 0.0], [2.0, 0.0, 0.0]])
    arithmetic = weighted_mean("arithmetic", values, weights)
    np.testing.assert_allclose(arithmetic, [(0.2 + 3 * 0.4) / 4, 0.8], rtol=1e-12)
    harmonic = weighted_mean("harmonic", values, weights)
    np.testing.assert_allclose(harmonic, [4 / (1 / 0.2 + 3 / 0.4), 0.8], rtol=1e-12)
    assert np.isnan(weighted_mean("arithmetic", values[0], np.zeros(3)))
