"""asd-fuse must make one self-contained detector of several."""

import shutil

import numpy as np
import pytest
from harness import exit_of

from asd_tf.cli import fuse, train
from asd_tf.detector import Detector
from asd_tf.scoring.fusion import RULES


@pytest.fixture(scope="module")
def runs(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for method in ("loudness", "mahalanobis"):
        status = exit_of(train.main, f"--method={method}", f"--data_dir={dataset}",
                         f"--run_dir={folder / method}")  # fmt: skip
        assert status == 0
    return folder


@pytest.fixture(scope="module")
def files(dataset):
    return sorted((dataset / "dev_data").glob("*/test/*.wav"))[::6]


@pytest.mark.parametrize("rule", RULES)
def test_the_fused_detector_stands_alone(runs, files, tmp_path, rule):
    """It must need none of its parts, and give the fused scores of theirs."""
    parts = [shutil.copytree(runs / name / "detector", tmp_path / name)
             for name in ("loudness", "mahalanobis")]  # fmt: skip
    assert exit_of(fuse.main, tmp_path / "fused", *parts, f"--rule={rule}", "--scale=raw") == 0
    scores = np.stack([Detector.load(part).score(files)["score"] for part in parts])
    for part in parts:
        shutil.rmtree(part)
    detector = Detector.load(tmp_path / "fused")
    table = detector.score(files)
    assert set(detector.parts) == {"loudness", "mahalanobis"}
    assert table["decision"].isin([0, 1]).all()
    if "rank" not in rule:
        of_rule = {"sum": np.sum, "mean": np.mean, "median": np.median, "max": np.max}[rule]
        np.testing.assert_allclose(table["score"], of_rule(scores, axis=0), rtol=1e-5)


def test_fused_detectors_are_fused_again(runs, files, tmp_path):
    """A part may be a fused detector; parts of equal names must get different ones."""
    one, two = tmp_path / "one", tmp_path / "two"
    assert exit_of(fuse.main, one, runs / "loudness", runs / "mahalanobis") == 0
    assert (
        exit_of(fuse.main, two, one, runs / "loudness", runs / "loudness", "--weights=1,2,0") == 0
    )
    detector = Detector.load(two)
    assert list(detector.parts) == ["one", "loudness", "loudness-2"]
    assert detector.score(files)["score"].notna().all()


@pytest.mark.parametrize("flag", ["--false_alarms=0.3", "--quantile=0.7"])
def test_the_share_of_alarms_on_calibration_clips_is_the_one_asked_for(runs, tmp_path, flag):
    """The promise must be kept on the calibration clips; the former name of the flag is read."""
    out = tmp_path / "out"
    assert exit_of(fuse.main, out, runs / "loudness", runs / "mahalanobis", flag) == 0
    detector = Detector.load(out)
    assert {t.false_alarms for t in detector.thresholds.values()} == {0.3}
    above = [
        rows["score"].to_numpy() > detector.thresholds[group].value
        for group, rows in detector.calibration.groupby(["machine", "section"])
    ]
    assert 0.2 < np.mean(np.concatenate(above)) < 0.4


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["{out}", "{a}"], 2, "at least two"),
        (["{out}", "{a}", "{b}", "--rule=product"], 2, "product"),
        (["{out}", "{a}", "{b}", "--weights=1,x"], 2, "write numbers"),
        (["{out}", "{a}", "{b}", "--weights=1,2,3"], 2, "3 weights for 2"),
        (["{out}", "{a}", "{b}", "--quantile=0.9", "--false_alarms=0.1"], 2, "former name"),
        (["{out}", "{a}", "{b}", "--false_alarms=1"], 2, "false_alarms"),
        (["{out}", "{a}", "nowhere"], 1, "nowhere"),
        (["{a}", "{a}", "{b}"], 1, "not empty"),
    ],
)
def test_what_cannot_be_fused_is_said_in_one_line(
    runs, tmp_path, capsys, arguments, status, message
):
    places = {"out": tmp_path / "out", "a": runs / "loudness", "b": runs / "mahalanobis"}
    capsys.readouterr()
    assert exit_of(fuse.main, *(text.format(**places) for text in arguments)) == status
    error = capsys.readouterr().err.strip()
    assert message in error
    assert error.count("\n") == 0
    assert not (tmp_path / "out").exists()
