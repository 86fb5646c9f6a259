"""The files of an evaluation must be complete, readable, and about the scores evaluated last."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from asd_tf.evaluation.output import write_evaluation
from asd_tf.evaluation.results import evaluate

FILES = ["metrics.csv", "metrics.json", "roc.png", "scores.csv", "scores.png"]


def read_strict_json(path):
    """Reads JSON without NaN and infinity, which are not part of it."""

    def reject(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=reject)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_json_holds_the_official_score_and_its_terms(scored, tmp_path):
    evaluation = evaluate(scored, "dcase2022")
    write_evaluation(evaluation, tmp_path / "evaluation", plots=False)
    found = read_strict_json(tmp_path / "evaluation" / "metrics.json")
    assert 0 < found["official_score"] < 1
    assert found["official_score"] == evaluation.official.score
    assert found["terms"] == {"used": 12, "expected": 12}
    assert (found["dataset"], found["formula"]) == ("dcase2022", "dcase2022")
    assert found["machines"]["pump"]["official_score"] == evaluation.machines["pump"].score
    assert (found["mean"], found["means"]) == ("harmonic", evaluation.means)
    assert found["confidence_interval"] == [evaluation.interval.low, evaluation.interval.high]
    assert found["no_confidence_interval_because"] is None
    assert found["clips"] == {"scored": 96, "unscored": 0, "unlabeled": 0}
    assert found["decisions"]["clips"] == 96


def test_json_holds_each_subset(scored, scored_table, tmp_path):
    other = scored_table(["grinder"], 1, seed=5)
    other = other.assign(subset="eval", clip_id="eval/" + other["clip_id"])
    both = evaluate(pd.concat([other, scored], ignore_index=True), "dcase2024")
    write_evaluation(both, tmp_path, plots=False)
    found = read_strict_json(tmp_path / "metrics.json")
    assert found["subsets"]["eval"]["official_score"] == both.subsets["eval"].official.score
    assert list(found["subsets"]["eval"]["machines"]) == ["grinder"]
    assert found["official_score"] == both.official.score


def test_csv_files_give_back_what_was_evaluated(scored, tmp_path):
    evaluation = evaluate(scored, "dcase2022")
    write_evaluation(evaluation, tmp_path, plots=False)
    metrics = pd.read_csv(tmp_path / "metrics.csv", dtype={"section": str})
    pd.testing.assert_frame_equal(metrics, evaluation.sections, check_dtype=False)
    scores = pd.read_csv(tmp_path / "scores.csv", dtype={"section": str})
    pd.testing.assert_frame_equal(scores, scored, check_dtype=False)
    again = evaluate(scores, "dcase2022")
    assert again.official == evaluation.official
    assert again.decisions == evaluation.decisions


def test_terms_that_do_not_exist_are_empty_in_files(scored, tmp_path):
    write_evaluation(evaluate(scored.assign(domain=pd.NA), "folder"), tmp_path, plots=False)
    found = read_strict_json(tmp_path / "metrics.json")
    assert found["terms"] == {"used": 8, "expected": 12}
    assert found["means"]["auc_target"] is None
    first_row = (tmp_path / "metrics.csv").read_text(encoding="utf-8").splitlines()[1].split(",")
    assert first_row[4] == ""
    assert "nan" not in (tmp_path / "metrics.csv").read_text(encoding="utf-8").lower()


def test_submission_files_follow_the_evaluation(scored, tmp_path):
    write_evaluation(evaluate(scored.assign(subset="eval"), "dcase2022"), tmp_path, plots=False)
    assert len(names(tmp_path / "submission")) == 8
    assert len(read_strict_json(tmp_path / "metrics.json")["submission"]["files"]) == 8
    bad = scored.assign(subset="eval", score=scored["score"].mask(scored["machine"] == "fan"))
    write_evaluation(evaluate(bad, "dcase2022"), tmp_path, plots=False)
    assert len(names(tmp_path / "submission")) == 6
    assert len(read_strict_json(tmp_path / "metrics.json")["submission"]["left_out"]) == 2
    write_evaluation(evaluate(scored, "dcase2022"), tmp_path, plots=False)
    assert "submission" not in names(tmp_path)


@pytest.mark.parametrize("clips", ["unlabeled", "unscored", "none"])
def test_results_without_metrics_are_valid_files(one_section, tmp_path, clips):
    scored = one_section
    changed = {
        "unlabeled": scored.assign(label=pd.array([None] * len(scored), "Int64")),
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
    # Scores without labels are drawn; a ROC curve needs labels.
    assert (tmp_path / "scores.png").exists() == (clips == "unlabeled")
    assert not (tmp_path / "roc.png").exists()


def test_a_second_evaluation_replaces_the_first(one_section, tmp_path):
    write_evaluation(evaluate(one_section, "dcase2022"), tmp_path)
    assert names(tmp_path) == FILES
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    reversed_scores = one_section.assign(score=-one_section["score"])
    write_evaluation(evaluate(reversed_scores, "dcase2022"), tmp_path)
    assert names(tmp_path) == FILES
    assert all((tmp_path / name).read_bytes() != before[name] for name in FILES)


def test_plots_of_an_earlier_evaluation_are_removed(one_section, tmp_path):
    (tmp_path / "roc.png").write_bytes(b"earlier")
    write_evaluation(evaluate(one_section.assign(label=pd.NA), "dcase2022"), tmp_path)
    assert names(tmp_path) == [name for name in FILES if name != "roc.png"]


def test_a_failed_write_keeps_the_old_file(one_section, tmp_path, monkeypatch):
    (tmp_path / "roc.png").write_bytes(b"earlier")

    def full_disk(self, path, **kwargs):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_evaluation(evaluate(one_section, "dcase2022"), tmp_path)
    assert (tmp_path / "roc.png").read_bytes() == b"earlier"
    assert names(tmp_path) == [name for name in FILES if name != "scores.png"]


def test_plots_can_be_decoded_and_are_not_blank(one_section, tmp_path):
    write_evaluation(evaluate(one_section, "dcase2022"), tmp_path)
    for name in ("roc.png", "scores.png"):
        pixels = imread(tmp_path / name)
        assert min(pixels.shape[:2]) > 300
        assert pixels[..., :3].std() > 0.02
