"""An evaluation must cover each subset, in any order of clips, and count what it leaves out."""

import pandas as pd
import pytest

from asd_tf.evaluation.results import evaluate


def test_row_order_changes_nothing_but_the_order_of_scores(scored):
    shuffled = evaluate(scored.sample(frac=1, random_state=1), "folder")
    straight = evaluate(scored, "folder")
    assert shuffled.official == straight.official
    assert shuffled.means == straight.means
    assert shuffled.interval.half_width == pytest.approx(straight.interval.half_width, abs=1e-12)
    assert shuffled.decisions == straight.decisions
    pd.testing.assert_frame_equal(shuffled.sections, straight.sections)


def test_clips_left_out_are_counted(scored):
    scored = scored.assign(
        score=scored["score"].mask(scored.index < 5), label=scored["label"].mask(scored.index > 92)
    )
    train = scored.assign(split="train")
    evaluation = evaluate(pd.concat([scored, train], ignore_index=True), "dcase2022")
    assert evaluation.clips == {"scored": 91, "unscored": 5, "unlabeled": 3}
    assert evaluation.sections["clips"].sum() == 96 - 5 - 3


def test_subsets_are_evaluated_separately(scored, scored_table):
    other = scored_table(["grinder"], 1, seed=5)
    other = other.assign(subset="eval", clip_id="eval/" + other["clip_id"])
    both = evaluate(pd.concat([other, scored], ignore_index=True), "dcase2024")
    assert list(both.subsets) == ["dev", "eval"]
    for subset, alone in (("dev", scored), ("eval", other)):
        expected = evaluate(alone, "dcase2024")
        found = both.subsets[subset]
        assert found.official == expected.official
        assert found.interval == expected.interval
        assert (found.means, found.decisions) == (expected.means, expected.decisions)
    assert both.official.expected == 15


def test_evaluation_clips_without_labels_do_not_change_the_score(scored):
    unlabeled = scored.assign(subset="eval", label=pd.NA, clip_id="eval/" + scored["clip_id"])
    both = evaluate(pd.concat([scored, unlabeled], ignore_index=True), "dcase2022")
    assert both.official == evaluate(scored, "dcase2022").official
    assert both.subsets["eval"].official.score is None
    assert both.subsets["eval"].clips == {"scored": 96, "unscored": 0, "unlabeled": 96}
