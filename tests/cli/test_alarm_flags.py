"""asd-score must move thresholds as it is asked to, without a new training."""

import numpy as np
import pytest
from harness import exit_of, scored, write_tone

from asd_tf.cli import score, train
from asd_tf.detector import Detector


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """A detector of windows of 0.5 s with 60 normal ones, and recordings of 5 s to score."""
    folder = tmp_path_factory.mktemp("plant")
    for number in range(3):
        write_tone(folder / f"data/pump/train/{number}.wav", 300, 10, number)
    flags = ("--method=mahalanobis", f"--data_dir={folder / 'data'}", f"--run_dir={folder / 'run'}")
    assert exit_of(train.main, *flags, "--set=data.max_seconds=0.5") == 0
    for number in range(4):
        write_tone(folder / f"new/pump/test/{number}.wav", 300 if number else 320, 5, 10 + number)
    return folder / "run" / "detector", folder / "new"


def numbers(rows, column):
    return np.array([float(row[column]) for row in rows])


def alarms(rows):
    return [row["decision"] == "1" for row in rows]


def test_the_share_of_false_alarms_is_moved(capsys, plant):
    """Scores and p-values must stay; threshold and decision must be those of the level."""
    detector, new = plant
    _, default, _ = scored(capsys, detector, new, "--per=window")
    assert alarms(default) == (numbers(default, "p_value") <= 0.1).tolist()
    for level in (0.02, 0.1, 0.5):
        status, rows, errors = scored(
            capsys, detector, new, "--per=window", f"--false_alarms={level}"
        )
        assert (status, "threshold" in errors) == (0, False)
        assert [row["score"] for row in rows] == [row["score"] for row in default]
        assert [row["p_value"] for row in rows] == [row["p_value"] for row in default]
        assert alarms(rows) == (numbers(rows, "p_value") <= level).tolist()
        assert alarms(rows) == (numbers(rows, "score") > numbers(rows, "threshold")).tolist()
    table = Detector.load(detector).score([new], per="recording", false_alarms=0.5)
    _, rows, _ = scored(capsys, detector, new, "--false_alarms=0.5")
    assert table["threshold"].tolist() == numbers(rows, "threshold").tolist()
    assert alarms(rows) == (numbers(rows, "p_value") <= 0.5).tolist()


def test_what_the_normal_scores_cannot_promise_is_not_decided(capsys, plant):
    """Sixty normal windows promise no less than one in 61; a line must say so."""
    detector, new = plant
    status, rows, errors = scored(capsys, detector, new, "--false_alarms=0.01")
    assert status == 0
    assert {row["decision"] for row in rows} == {row["threshold"] for row in rows} == {""}
    assert "pump, section 00: no threshold, as 60 normal scores can promise 1.7 %" in errors
    assert min(numbers(rows, "p_value")) >= 1 / 61


def test_false_alarms_a_day_need_the_number_of_rows(capsys, plant):
    """It must be known from the windows, or be said, and be told."""
    detector, new = plant
    flags = ("--false_alarms_per_day=17280", "--per=window")
    status, rows, errors = scored(capsys, detector, new, *flags)
    assert status == 0
    line = (
        "--false_alarms_per_day=17280: of 172,800 rows a day (a window every 0.5 s, recorded "
        "without a gap), 0.1 of them"
    )
    assert line in errors
    assert alarms(rows) == (numbers(rows, "p_value") <= 0.1).tolist()
    status, rows, errors = scored(
        capsys, detector, new, "--false_alarms_per_day=12", "--per_day=24"
    )
    assert (status, "24 rows a day (--per_day), 0.5 of them" in errors) == (0, True)
    assert alarms(rows) == (numbers(rows, "p_value") <= 0.5).tolist()


@pytest.mark.parametrize("output", [False, True])
def test_all_rows_are_decided_together(capsys, plant, tmp_path, output):
    """With --fdr the decisions must be those of all rows, and the threshold must be left out."""
    detector, new = plant
    flags = ("--per=window", "--fdr=0.3", "--fail_on_anomaly")
    if output:
        status, _, _ = scored(capsys, detector, new, *flags, f"--output={tmp_path / 'out.csv'}")
        lines = (tmp_path / "out.csv").read_text().splitlines()
        names = lines[0].split(",")
        rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]
        assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    else:
        status, rows, _ = scored(capsys, detector, new, *flags)
    p = numbers(rows, "p_value")
    ranks = np.array([np.sum(p <= value) for value in p])
    limit = max(p[p * len(p) / ranks <= 0.3], default=0.0)
    assert alarms(rows) == (p <= limit).tolist()
    assert status == (3 if any(alarms(rows)) else 0)
    assert any(alarms(rows)) and not all(alarms(rows))
    assert {row["threshold"] for row in rows} == {""}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--fdr=0.1", "--false_alarms=0.1"], "--false_alarms and --fdr exclude each other"),
        (["--false_alarms=0.1", "--false_alarms_per_day=1"], "exclude each other"),
        (["--per_day=10"], "--per_day is for --false_alarms_per_day alone"),
        (["--false_alarms_per_day=1"], "how many recordings of a machine are there a day?"),
        (["--false_alarms_per_day=1", "--per_day=0"], "must be from 1e-06"),
        (["--false_alarms_per_day=0.1", "--per=window"], "of 172,800 rows a day"),
        (["--false_alarms=1"], "false_alarms"),
        (["--fdr=0"], "fdr"),
    ],
)
def test_what_cannot_be_asked_for_is_said_in_one_line(capsys, plant, tmp_path, flags, message):
    """With status 2, and before anything is written."""
    detector, new = plant
    output = tmp_path / "out.csv"
    assert exit_of(score.main, detector, new, *flags, f"--output={output}") == 2
    error = capsys.readouterr().err.strip()
    assert message in error and error.count("\n") == 0
    assert not output.exists()


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--fdr=nan"], "--fdr must be a finite number"),
        (["--fdr=0.1", "--section=any"], "--fdr needs p-values of a section"),
        (["--false_alarms_per_day=1", "--per_day=9", "--per=both"], "choose --per=window or"),
    ],
)
def test_flags_that_promise_nothing_are_refused(capsys, flags, word):
    """Such flags must be one line, before anything is loaded."""
    assert exit_of(score.main, "no-detector", "no-files", *flags) == 2
    assert word in capsys.readouterr().err
