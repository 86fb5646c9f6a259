"""`asd-detector evaluate` must judge any detector on labeled data as a run is judged."""

import json
import shutil

import pandas as pd
import pytest
from harness import exit_of, write_tone

import asd_tf
from asd_tf.cli import detector as command
from asd_tf.cli import train
from asd_tf.detector.fused import write_fused_detector
from asd_tf.errors import UsageError
from asd_tf.experiment.detector_evaluation import check_evaluation_folder
from asd_tf.scoring.fusion import Fusion

FILES = {
    "report.html",
    "metrics.csv",
    "metrics.json",
    "scores.csv",
    "roc.png",
    "scores.png",
    "reliability.png",
}


@pytest.fixture(scope="module")
def runs(dataset, tmp_path_factory):
    """Two runs on the data of most tests, evaluated."""
    folder = tmp_path_factory.mktemp("runs")
    for method in ("loudness", "mahalanobis"):
        flags = (f"--data_dir={dataset}", f"--run_dir={folder / method}")
        assert exit_of(train.main, f"--method={method}", *flags) == 0
    return folder


@pytest.fixture(scope="module")
def fused(runs):
    parts = {name: runs / name / "detector" for name in ("loudness", "mahalanobis")}
    write_fused_detector(runs / "fused", parts, Fusion())
    return runs / "fused"


def evaluated(capsys, *arguments):
    """Returns exit status, standard output and standard error of an evaluation."""
    status = exit_of(command.main, "evaluate", *arguments)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_a_detector_alone_gets_what_its_run_got(runs, dataset, tmp_path, capsys):
    """On the same data all results must be the same, and all files must be there."""
    alone = shutil.copytree(runs / "mahalanobis" / "detector", tmp_path / "alone")
    out, of_run = tmp_path / "out", runs / "mahalanobis" / "evaluation"
    status, printed, err = evaluated(capsys, alone, dataset, f"--out={out}")
    assert status == 0
    assert "32 clips of other splits than test are left out" in err
    assert "official score" in printed and str(out / "report.html") in printed
    assert {path.name for path in out.iterdir()} == FILES
    assert metrics(out) == metrics(of_run)
    for name in ("scores.csv", "metrics.csv"):
        assert (out / name).read_text() == (of_run / name).read_text()
    report = (out / "report.html").read_text()
    assert 'id="map"' in report and f"asd-detector evaluate {alone}" in report


def test_a_fused_detector_is_evaluated_with_its_parts(fused, dataset, tmp_path, capsys):
    """Its parts must be judged beside it, as in the evaluation of a run."""
    status, _, _ = evaluated(capsys, fused, dataset, f"--out={tmp_path}")
    assert status == 0
    others = metrics(tmp_path)["others"]
    assert set(others) == {"loudness", "mahalanobis"}
    assert metrics(tmp_path)["official_score"] > others["loudness"]["official_score"]
    # An evaluation may replace an earlier one.
    extra = "--extra_scores=oracle_gamma"
    assert evaluated(capsys, fused, dataset, f"--out={tmp_path}", extra)[0] == 0
    assert "oracle_gamma" in metrics(tmp_path)["others"]


def test_an_evaluation_that_was_killed_is_done_again(runs, dataset, tmp_path, capsys):
    """What it had written until then must not keep the same command from its work."""
    whole, out = runs / "mahalanobis" / "evaluation", tmp_path / "out"
    out.mkdir()
    part = out / ".part-0123abcd-scores.csv"
    part.write_text("clip_id,")
    for done in ((), ("scores.csv",), ("scores.csv", "metrics.csv")):
        for name in done:
            shutil.copy(whole / name, out)
        check_evaluation_folder(out, runs / "mahalanobis" / "detector")
    (out / "mine.txt").touch()
    with pytest.raises(UsageError, match="holds no evaluation"):
        check_evaluation_folder(out, runs / "mahalanobis" / "detector")
    (out / "mine.txt").unlink()
    assert evaluated(capsys, runs / "mahalanobis", dataset, f"--out={out}")[0] == 0
    assert {path.name for path in out.iterdir()} == FILES


def test_a_table_of_scores_is_no_evaluation(runs, tmp_path):
    """A file that asd-score has written under the same name must not be replaced."""
    (tmp_path / "scores.csv").write_text("path,machine,section,score\n")
    with pytest.raises(UsageError, match="holds no evaluation"):
        check_evaluation_folder(tmp_path, runs / "mahalanobis" / "detector")


@pytest.fixture
def table(dataset, tmp_path):
    """Rows of a manifest of test clips: three normal and three anomalous of fan 00."""
    clips = sorted((dataset / "dev_data" / "fan" / "test").glob("section_00_source_*"))
    rows = [(clip, "fan", int("anomaly" in clip.name)) for clip in clips]
    return pd.DataFrame(rows, columns=["path", "machine", "label"]).assign(section="00")


def write_table(table, tmp_path):
    table.to_csv(tmp_path / "labeled.csv", index=False)
    return tmp_path / "labeled.csv"


def test_what_cannot_be_judged_is_counted(runs, table, tmp_path, capsys):
    """Clips without label or score are left out, and told; rows without a split are judged."""
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no audio")
    rows = pd.concat([table, table.iloc[:1].assign(path=bad)], ignore_index=True)
    rows["label"] = rows["label"].astype(object)
    rows.loc[0, "label"] = ""
    rows.loc[1, "machine"] = "drill"
    data, out = write_table(rows, tmp_path), tmp_path / "out"
    status, printed, err = evaluated(capsys, runs / "mahalanobis", data, f"--out={out}")
    assert status == 0
    assert f"1 test clips could not be read; see {out / 'scores.csv'}" in printed.splitlines()
    assert "1 of 6 clips have no label, and are not judged" in err
    assert "1 clips of machine 'drill', section '00' (1); the detector knows fan 00" in err
    assert metrics(out)["clips"] == {"scored": 5, "unscored": 2, "unlabeled": 1}
    report = (out / "report.html").read_text()
    assert "unknown machine or section" in report and "not an audio file" in report


def test_of_one_class_what_can_be_told_is_told(runs, table, tmp_path, capsys):
    """Normal clips alone tell the rate of false alarms, and a line says what is missing."""
    data = write_table(table[table["label"] == 0], tmp_path)
    out = tmp_path / "out"
    status, _, err = evaluated(capsys, runs / "mahalanobis", data, f"--out={out}")
    assert status == 0 and "all labeled clips are normal" in err
    decisions = metrics(out)["decisions"]
    assert decisions["clips"] == 3 and 0 <= decisions["false_alarm_rate"] <= 1
    assert metrics(out)["official_score"] is None
    assert not (out / "roc.png").exists()


def test_labels_may_come_apart_from_the_clips(runs, tmp_path, capsys):
    """The lists of an official evaluator must be joined by file name."""
    lines = []
    for index, factor in enumerate((1, 2, 1, 2)):
        name = f"section_00_{index:04d}.wav"
        write_tone(tmp_path / "eval_data" / "fan" / "test" / name, 200 * factor, seed=index)
        lines.append(f"{name},{factor - 1}")
    for part, content in (("data", lines), ("domain", [line[:-1] + "0" for line in lines])):
        path = tmp_path / "truth" / f"ground_truth_{part}" / "ground_truth_fan_section_00_test.csv"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(content[::-1]) + "\n")
    data, out = tmp_path / "eval_data", tmp_path / "out"
    flags = (data, "--dataset=dcase2022", f"--out={out}")
    status, _, err = evaluated(capsys, runs / "mahalanobis", *flags)
    assert status == 1 and "no clip has a label" in err and not out.exists()
    truth = (f"--ground_truth={tmp_path / 'truth'}", "--own_labels")
    assert evaluated(capsys, runs / "mahalanobis", *flags, *truth)[0] == 0
    assert metrics(out)["means"]["auc"] == 1.0
    assert len(list((out / "submission").iterdir())) == 2


def test_several_data_are_judged_together(runs, dataset, tmp_path, capsys):
    """Clips of the same name in two folders are two clips."""
    other = shutil.copytree(dataset, tmp_path / "other")
    evaluation = asd_tf.evaluate_detector(runs / "mahalanobis", [dataset, other], tmp_path / "out")
    assert len(evaluation.scored) == 2 * 48
    assert evaluation.clips == {"scored": 96, "unscored": 0, "unlabeled": 0}


def test_wrong_commands_write_nothing(runs, dataset, table, tmp_path, capsys):
    """What is wrong must be told in one line, before anything is written."""
    detector = runs / "mahalanobis" / "detector"
    full = tmp_path / "full"
    full.mkdir()
    (full / "submission").write_text("mine")
    data = write_table(table.assign(machine="drill"), tmp_path)
    for arguments, status, message in (
        ((detector, dataset), 2, "--out is missing"),
        ((detector, f"--out={tmp_path / 'x'}"), 2, "folders or manifests of labeled data"),
        ((detector, dataset, f"--out={detector / 'evaluation'}"), 2, "which is sealed"),
        ((detector, dataset, f"--out={full}"), 2, "holds no evaluation"),
        ((detector, dataset, f"--out={tmp_path / 'x'}", "--extra_scores=y"), 2, "extra score"),
        ((detector, data, f"--out={tmp_path / 'x'}"), 1, "of no clip"),
        ((detector, data, dataset, f"--out={tmp_path / 'x'}"), 2, "different layouts"),
    ):
        found, out, err = evaluated(capsys, *arguments)
        assert (found, out) == (status, ""), err
        assert message in err.splitlines()[-1]
    assert (full / "submission").read_text() == "mine"
    assert not (tmp_path / "x").exists() and not (detector / "evaluation").exists()
