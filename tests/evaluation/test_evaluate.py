"""The files of an evaluation would be missing, half-written, unreadable or about other scores."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from asd_tf.evaluation.evaluate import evaluate, write_evaluation

FILES = ["metrics.csv", "metrics.json", "roc.png", "scores.csv", "scores.png"]


def read_strict_json(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_json_holds_the_official_score_and_its_terms(scored, tmp_path):
    evaluation = evaluate(scored, "dcase2022")
    write_evaluation(evaluation, tmp_path / "evaluation")
    assert names(tmp_path / "evaluation") == FILES
    found = read_strict_json(tmp_path / "evaluation" / "metrics.json")
    assert 0 < found["official_score"] < 1
    assert found["official_score"] == evaluation.official.score
    assert found["terms"] == {"used": 12, "expected": 12}
    assert (found["dataset"], found["formula"]) == ("dcase2022", "dcase2022")
    assert found["machines"]["pump"]["official_score"] == evaluation.machines["pump"].score
    assert (found["mean"], found["means"]) == ("harmonic", evaluation.means)
    assert found["confidence_interval"] == [evaluation.interval.low, evaluation.interval.high]
    assert found["no_confidence_interval_because"] is None
    assert found["clips"] == {"scored": 96, "unscored": 0, "unlabelled": 0}
    assert found["decisions"]["clips"] == 96


def test_csv_files_give_back_what_was_evaluated(scored, tmp_path):
    evaluation = evaluate(scored, "dcase2022")
    write_evaluation(evaluation, tmp_path, pictures=False)
    metrics = pd.read_csv(tmp_path / "metrics.csv", dtype={"section": str})
    pd.testing.assert_frame_equal(metrics, evaluation.sections, check_dtype=False)
    scores = pd.read_csv(tmp_path / "scores.csv", dtype={"section": str})
    pd.testing.assert_frame_equal(scores, scored, check_dtype=False)
    again = evaluate(scores, "dcase2022")
    assert again.official == evaluation.official
    assert again.decisions == evaluation.decisions


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
    assert evaluation.clips == {"scored": 91, "unscored": 5, "unlabelled": 3}
    assert evaluation.sections["clips"].sum() == 96 - 5 - 3


def test_terms_that_do_not_exist_are_empty_in_files(scored, tmp_path):
    write_evaluation(evaluate(scored.assign(domain=pd.NA), "folder"), tmp_path, pictures=False)
    found = read_strict_json(tmp_path / "metrics.json")
    assert found["terms"] == {"used": 8, "expected": 12}
    assert found["means"]["auc_target"] is None
    first_row = (tmp_path / "metrics.csv").read_text(encoding="utf-8").splitlines()[1].split(",")
    assert first_row[4] == ""
    assert "nan" not in (tmp_path / "metrics.csv").read_text(encoding="utf-8").lower()


def test_subsets_are_evaluated_apart(scored, scored_table, tmp_path):
    other = scored_table(["grinder"], 1, seed=5)
    other = other.assign(subset="eval", clip_id="eval/" + other["clip_id"])
    both = evaluate(pd.concat([other, scored], ignore_index=True), "dcase2024")
    assert list(both.subsets) == ["dev", "eval"]
    for subset, alone in (("dev", scored), ("eval", other)):
        expected = evaluate(alone, "dcase2024")
        part = both.subsets[subset]
        assert part.official == expected.official
        assert part.interval == expected.interval
        assert (part.means, part.decisions) == (expected.means, expected.decisions)
    assert both.official.expected == 15
    write_evaluation(both, tmp_path, pictures=False)
    found = read_strict_json(tmp_path / "metrics.json")
    assert found["subsets"]["eval"]["official_score"] == both.subsets["eval"].official.score
    assert list(found["subsets"]["eval"]["machines"]) == ["grinder"]
    assert found["official_score"] == both.official.score


def test_evaluation_clips_without_labels_leave_the_score_of_the_others(scored):
    unlabelled = scored.assign(subset="eval", label=pd.NA, clip_id="eval/" + scored["clip_id"])
    both = evaluate(pd.concat([scored, unlabelled], ignore_index=True), "dcase2022")
    assert both.official == evaluate(scored, "dcase2022").official
    assert both.subsets["eval"].official.score is None
    assert both.subsets["eval"].clips == {"scored": 96, "unscored": 0, "unlabelled": 96}


def test_submission_files_follow_the_evaluation(scored, tmp_path):
    write_evaluation(evaluate(scored.assign(subset="eval"), "dcase2022"), tmp_path)
    assert len(names(tmp_path / "submission")) == 8
    assert len(read_strict_json(tmp_path / "metrics.json")["submission"]["files"]) == 8
    bad = scored.assign(subset="eval", score=scored["score"].mask(scored["machine"] == "fan"))
    write_evaluation(evaluate(bad, "dcase2022"), tmp_path)
    assert len(names(tmp_path / "submission")) == 6
    assert len(read_strict_json(tmp_path / "metrics.json")["submission"]["left_out"]) == 2
    write_evaluation(evaluate(scored, "dcase2022"), tmp_path)
    assert names(tmp_path) == FILES


@pytest.mark.parametrize("clips", ["unlabelled", "unscored", "none"])
def test_nothing_to_measure_is_written_down_as_such(scored, tmp_path, clips):
    changed = {
        "unlabelled": scored.assign(label=pd.array([None] * len(scored), "Int64")),
        "unscored": scored.assign(label=pd.NA, score=np.nan, threshold=np.nan, decision=pd.NA),
        "none": scored[:0],
    }[clips]
    write_evaluation(evaluate(changed, "dcase2022"), tmp_path)
    found = read_strict_json(tmp_path / "metrics.json")
    assert found["official_score"] is None
    assert found["confidence_interval"] is None
    assert found["no_confidence_interval_because"] == "there is no official score"
    assert found["terms"] == {"used": 0, "expected": 0}
    assert found["decisions"]["f1"] is None
    lines = (tmp_path / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("subset,machine,section,auc_source")
    assert len(pd.read_csv(tmp_path / "scores.csv")) == len(changed)
    # Scores without labels can still be looked at; a ROC curve needs labels.
    assert (tmp_path / "scores.png").exists() == (clips == "unlabelled")
    assert not (tmp_path / "roc.png").exists()


def test_a_second_evaluation_replaces_the_first(scored, tmp_path):
    write_evaluation(evaluate(scored, "dcase2022"), tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    write_evaluation(evaluate(scored.assign(score=-scored["score"]), "dcase2022"), tmp_path)
    assert names(tmp_path) == FILES
    assert all((tmp_path / name).read_bytes() != before[name] for name in FILES)


def test_pictures_of_an_earlier_evaluation_do_not_stay(scored, tmp_path):
    write_evaluation(evaluate(scored, "dcase2022"), tmp_path)
    write_evaluation(evaluate(scored.assign(label=pd.NA), "dcase2022"), tmp_path)
    assert "roc.png" not in names(tmp_path)


def test_a_failed_write_leaves_the_old_file_whole(scored, tmp_path, monkeypatch):
    write_evaluation(evaluate(scored, "dcase2022"), tmp_path)
    before = (tmp_path / "roc.png").read_bytes()

    def full_disk(self, path, **kwargs):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_evaluation(evaluate(scored.assign(score=-scored["score"]), "dcase2022"), tmp_path)
    assert (tmp_path / "roc.png").read_bytes() == before
    assert names(tmp_path) == FILES


def test_pictures_decode_and_show_something(scored, tmp_path):
    write_evaluation(evaluate(scored, "dcase2022"), tmp_path)
    for name in ("roc.png", "scores.png"):
        pixels = imread(tmp_path / name)
        assert min(pixels.shape[:2]) > 300
        assert pixels[..., :3].std() > 0.02
