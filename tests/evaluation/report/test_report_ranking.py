"""The clips listed must be those with the highest scores and those on the wrong side."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.evaluation.metrics import auc
from asd_tf.evaluation.report.ranking import highest_scored, most_confused, relative_scores
from asd_tf.evaluation.section_metrics import select_test_clips


@pytest.fixture
def clips(scored) -> pd.DataFrame:
    tested = select_test_clips(scored)
    return tested.assign(section_key=tested["machine"] + tested["section"])


def test_mean_confusion_of_either_class_is_one_minus_the_auc(clips):
    confused = most_confused(clips, len(clips))
    for key, rows in clips.groupby("section_key"):
        total = confused.loc[confused["section_key"] == key].groupby("label")["confusion"].sum()
        expected = 1 - auc(rows["label"], rows["score"])
        for label in (0, 1):
            assert total[label] / np.sum(rows["label"] == label) == pytest.approx(expected)


def test_confusion_is_the_share_on_the_wrong_side(clips):
    for _, clip in most_confused(clips).iterrows():
        sign = 1 if clip["label"] == 0 else -1
        in_section = clips["section_key"] == clip["section_key"]
        others = clips[in_section & (clips["label"] != clip["label"])]
        share = np.mean(np.sign(sign * (clip["score"] - others["score"])) / 2 + 0.5)
        assert clip["confusion"] == pytest.approx(share)
        assert clip["others"] == len(others)


def test_the_worst_come_first(clips):
    confused = most_confused(clips, len(clips))
    assert (confused["confusion"].diff().dropna() <= 0).all()
    assert (confused["confusion"] > 0).all()
    equal = confused["confusion"].diff() == 0
    assert (confused["wrongness"].diff()[equal] <= 0).all()


def test_the_order_does_not_depend_on_the_scale_of_a_section(clips):
    keys = sorted(set(clips["section_key"]))
    scale = clips["section_key"].map({key: 10.0**k for k, key in enumerate(keys)})
    scaled = clips.assign(score=clips["score"] * scale - 7)
    np.testing.assert_allclose(relative_scores(scaled), relative_scores(clips), atol=1e-9)
    assert list(highest_scored(scaled)["clip_id"]) == list(highest_scored(clips)["clip_id"])


def test_one_section_is_ordered_by_its_scores(clips):
    section = clips[clips["section_key"] == "fan00"]
    best = np.sort(section["score"])[::-1][:10]
    np.testing.assert_array_equal(highest_scored(section)["score"], best)


@pytest.mark.parametrize("label", [0.0, 1.0, np.nan])
def test_without_the_other_class_nothing_is_confused(clips, label):
    assert most_confused(clips.assign(label=label)).empty


def test_equal_scores_have_finite_relative_scores(clips):
    assert (relative_scores(clips.assign(score=3.0)) == 0).all()
    mostly = clips.assign(score=np.where(clips.index == 3, 9.0, 0.0))
    assert highest_scored(mostly)["clip_id"].iloc[0] == clips["clip_id"][3]
    assert np.isfinite(relative_scores(mostly)).all()
