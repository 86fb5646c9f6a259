"""Scores of parts must be on one scale, that of clips which they have not seen."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.scoring.cross_fit import StandardizedMean, part_scales, standardized


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def unseen_of(rng, counts=(12, 12), group=("fan", "00"), mean=(0.0, 100.0), std=(1.0, 5.0)):
    """Returns scores of parts that differ in level and spread."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "machine": group[0],
                    "section": group[1],
                    "recording_id": [f"{group}-{part}-{number}" for number in range(count)],
                    "score": rng.normal(mean[part], std[part], count),
                    "part": part,
                }
            )
            for part, count in enumerate(counts)
        ],
        ignore_index=True,
    )


def test_parts_are_standardized_each_by_its_own_scores(rng):
    unseen = unseen_of(rng)
    scales = part_scales(unseen, [("fan", "00")], 2)
    z = standardized(unseen, scales)
    for part in (0, 1):
        of_part = z[unseen["part"] == part]
        np.testing.assert_allclose([of_part.mean(), of_part.std()], [0, 1], atol=1e-12)


def test_few_scores_of_a_part_are_judged_by_those_of_all(rng):
    """The mean of three scores says little of the next one."""
    unseen = unseen_of(rng, (6, 6), mean=(0.0, 0.1), std=(1.0, 1.0))
    first, second = part_scales(unseen, [("fan", "00")], 2)["fan", "00"]
    assert first == second
    np.testing.assert_allclose(first[0], unseen["score"].mean())


def test_windows_do_not_count_as_recordings(rng):
    """Many windows of two recordings have the level of these alone."""
    unseen = unseen_of(rng)
    unseen.loc[unseen["part"] == 0, "recording_id"] = ["a", "b"] * 6
    first, second = part_scales(unseen, [("fan", "00")], 2)["fan", "00"]
    np.testing.assert_allclose(first[0], unseen["score"].mean())
    np.testing.assert_allclose(second[0], unseen["score"][12:].mean())


def test_a_group_without_scores_has_those_of_its_machine(rng):
    unseen = unseen_of(rng)
    scales = part_scales(unseen, [("fan", "00"), ("fan", "01"), ("pump", "00")], 2)
    assert scales["fan", "01"] == scales["fan", "00"]
    assert scales["pump", "00"] == [(0.0, 1.0)] * 2


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4)])
def test_the_score_is_the_mean_of_standardized_scores(rng, shape):
    """Of clips and of their items alike; a part without a score leaves none."""
    scales = {("fan", "00"): [(0.0, 1.0), (10.0, 2.0)], ("fan", "01"): [(5.0, 1.0), (0.0, 4.0)]}
    groups = [("fan", "00"), ("fan", "01"), ("fan", "00")]
    scores = rng.normal(size=shape)
    scores[1, 2] = np.nan
    found = StandardizedMean(scales)(scores, groups)
    assert found.shape == shape[1:]
    np.testing.assert_allclose(found[0], (scores[0, 0] + (scores[1, 0] - 10) / 2) / 2)
    np.testing.assert_allclose(found[1], (scores[0, 1] - 5 + scores[1, 1] / 4) / 2)
    assert np.isnan(found[2]).all()
    assert StandardizedMean(scales)(np.zeros((2, 0)), []).shape == (0,)
