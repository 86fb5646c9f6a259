"""Areas without a clip must equal those computed from all other clips."""

import numpy as np
import pytest

from asd_tf.evaluation.leave_one_out import leave_one_out_auc, leave_one_out_partial_auc
from asd_tf.evaluation.metrics import auc, partial_auc


def naive(metric, labels, scores, **options):
    return [
        metric(np.delete(labels, index), np.delete(scores, index), **options)
        for index in range(len(labels))
    ]


def sections(seed):
    """Small sections with many, few and no ties, and classes of all sizes, including 0 and 1."""
    rng = np.random.default_rng(seed)
    for anomalous in (0.03, 0.3, 0.5, 0.97):
        for distinct in (1, 3, 12, 10000):
            clips = rng.integers(1, 25)
            labels = (rng.random(clips) < anomalous).astype(int)
            yield labels, rng.integers(0, distinct, clips) / 10 + labels * (distinct > 5)


@pytest.mark.parametrize("seed", range(4))
def test_every_area_is_that_without_the_clip(seed):
    for labels, scores in sections(seed):
        expected = naive(auc, labels, scores)
        found = leave_one_out_auc(labels, scores)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        for max_fpr in (0.1, 0.45, 1.0):
            expected = naive(partial_auc, labels, scores, max_fpr=max_fpr)
            found = leave_one_out_partial_auc(labels, scores, max_fpr)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("without", [leave_one_out_auc, leave_one_out_partial_auc])
def test_the_only_clip_of_a_class_leaves_no_area(without):
    found = without([0, 1, 0, 0], [0.3, 0.2, 0.2, 0.1])
    assert np.isnan(found).tolist() == [False, True, False, False]
    found = without([1, 1, 0], [0.3, 0.2, 0.2])
    assert np.isnan(found).tolist() == [False, False, True]
    assert np.isnan(without([0, 0, 0], [0.3, 0.2, 0.2])).all()
    assert np.isnan(without([1], [0.5])).all()
    assert without([], []).shape == (0,)


def test_a_large_section_needs_no_loop_over_clips():
    """Sorting 200,000 clips once for each clip would take hours."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200_000)
    scores = rng.normal(size=len(labels)).round(3) + labels
    found = leave_one_out_partial_auc(labels, scores)
    for index in (0, 77, 123_456):
        expected = partial_auc(np.delete(labels, index), np.delete(scores, index))
        assert found[index] == pytest.approx(expected, rel=0, abs=1e-12)
