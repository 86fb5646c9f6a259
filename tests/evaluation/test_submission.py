"""Submission files must have the names, lines and order that the official evaluators need."""

import pandas as pd
import pytest

from asd_tf.evaluation.submission import make_submission, write_submission


@pytest.fixture
def evaluation_clips(scored):
    """Clips of an evaluation set, without labels and domains, also in their names."""
    numbers = scored.groupby(["machine", "section"]).cumcount()[::-1]
    names = "section_" + scored["section"] + numbers.map("_{:04d}.wav".format)
    return scored.assign(
        subset="eval",
        label=pd.NA,
        domain=pd.NA,
        clip_id=scored["machine"] + "/test/" + names,
        path="/data/eval/" + scored["machine"] + "/test/" + names,
        score=scored["score"] / 3,
    )


def read(text):
    return [line.split(",") for line in text.splitlines()]


@pytest.mark.parametrize("year", range(2022, 2027))
def test_files_since_2022_have_scores_and_decisions_of_a_section(evaluation_clips, year):
    found = make_submission(evaluation_clips.sample(frac=1, random_state=0), f"dcase{year}")
    assert found.left_out == {}
    assert sorted(found.files) == [
        f"{kind}_{machine}_section_{section}_test.csv"
        for kind in ("anomaly_score", "decision_result")
        for machine in ("fan", "pump")
        for section in ("00", "01")
    ]
    own = evaluation_clips[
        (evaluation_clips["machine"] == "pump") & (evaluation_clips["section"] == "01")
    ]
    scores = dict(zip(own["path"].str.rpartition("/")[2], own["score"], strict=True))
    rows = read(found.files["anomaly_score_pump_section_01_test.csv"])
    assert [name for name, _ in rows] == sorted(scores)
    assert {name: float(value) for name, value in rows} == scores  # with all their digits
    decisions = {value for _, value in read(found.files["decision_result_fan_section_00_test.csv"])}
    assert decisions == {"0", "1"}


def test_files_of_2021_are_by_domain(evaluation_clips, scored):
    found = make_submission(evaluation_clips.assign(domain=scored["domain"]), "dcase2021")
    assert len(found.files) == 2 * 4 * 2
    assert len(read(found.files["anomaly_score_fan_section_00_source_test.csv"])) == 12
    assert len(read(found.files["decision_result_pump_section_01_target_test.csv"])) == 12


def test_files_of_2020_have_ids_and_no_decisions(evaluation_clips):
    found = make_submission(evaluation_clips.assign(decision=pd.NA), "dcase2020")
    names = [f"anomaly_score_{m}_id_{s}.csv" for m in ("fan", "pump") for s in ("00", "01")]
    assert sorted(found.files) == names
    assert found.left_out == {}


def test_a_clip_without_score_or_decision_leaves_out_its_file(evaluation_clips):
    scored = evaluation_clips
    scored["score"] = scored["score"].mask(scored.index == 0)
    scored["decision"] = scored["decision"].mask(scored.index.isin([0, 30]))
    found = make_submission(scored, "dcase2022")
    assert found.left_out == {
        "anomaly_score_fan_section_00_test.csv": "1 of 24 clips without a score",
        "decision_result_fan_section_00_test.csv": "1 of 24 clips without a decision",
        "decision_result_fan_section_01_test.csv": "1 of 24 clips without a decision",
    }
    assert len(found.files) == 5


def test_other_data_has_no_submission(evaluation_clips, scored):
    for table, dataset in (
        (evaluation_clips, "folder"),
        (evaluation_clips, "manifest"),
        (evaluation_clips.assign(split="train"), "dcase2022"),
        (scored, "dcase2022"),
    ):
        found = make_submission(table, dataset)
        assert (found.files, found.left_out) == ({}, {})


def test_files_of_an_earlier_evaluation_are_removed(evaluation_clips, tmp_path):
    folder = tmp_path / "submission"
    write_submission(make_submission(evaluation_clips, "dcase2022"), folder)
    assert len(list(folder.iterdir())) == 8
    fan = evaluation_clips[evaluation_clips["machine"] == "fan"]
    submission = make_submission(fan, "dcase2022")
    write_submission(submission, folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == submission.files
    assert [path.name for path in tmp_path.iterdir()] == ["submission"]
    write_submission(make_submission(fan, "folder"), folder)
    assert not folder.exists()
