"""Settings that only decide may change on a finished run; nothing is trained for them."""

import shutil

import pandas as pd
import pytest
from harness import exit_of

from asd_tf.cli import train
from asd_tf.detector import Detector
from asd_tf.files import file_names, read_json, sha256_of
from asd_tf.run.run import Run

DECIDES = ("--set=calibration.false_alarms=0.25", "--set=calibration.rule=gamma")


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    """Returns a function that trains in a folder."""

    def run(folder, *flags):
        flags = (*flags, f"--data_dir={dataset}", f"--run_dir={folder}", "--recipe=quick")
        return exit_of(train.main, "--method=mahalanobis", "--set=data.windows=all", *flags)

    return run


@pytest.fixture(scope="module")
def finished(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert trained(folder) == 0
    return folder


def contents(folder):
    return {name: sha256_of(folder / name) for name in file_names(folder)}


def test_a_finished_run_decides_as_it_is_told(trained, finished, tmp_path, caplog):
    """Its detector must be that of a run that was trained with the new values, bit for bit."""
    run = shutil.copytree(finished, tmp_path / "run")
    stages = contents(run / "stages")
    changes = (*DECIDES, "--set=recording.pool=mean")
    assert trained(run, *changes) == 0
    assert "thresholds derived anew for calibration.false_alarms=0.25" in caplog.text
    assert "all trainings are taken as they are" in caplog.text
    assert contents(run / "stages") == stages
    assert trained(tmp_path / "fresh", *changes) == 0
    found, fresh = (Detector.load(tmp_path / name / "detector") for name in ("run", "fresh"))
    for key in ("groups", "calibration", "recording"):
        assert found.manifest[key] == fresh.manifest[key]
    scores = [
        pd.read_csv(tmp_path / name / "evaluation" / "scores.csv", dtype=str)
        for name in ("run", "fresh")
    ]
    pd.testing.assert_frame_equal(*scores)
    assert Run.load(run).config.calibration.false_alarms == 0.25
    # The same command again changes nothing, and that of before leads back.
    after = contents(run / "detector")
    caplog.clear()
    assert trained(run, *changes) == 0
    assert contents(run / "detector") == after and "derived anew" not in caplog.text
    assert trained(run) == 0
    assert contents(run / "detector") == contents(finished / "detector")


def test_a_kill_between_the_detector_and_its_settings_heals(trained, finished, tmp_path):
    """The same command must complete the change, whatever was written before."""
    run = shutil.copytree(finished, tmp_path / "run")
    old = (run / "config.json").read_bytes()
    assert trained(run, *DECIDES) == 0
    detector = contents(run / "detector")
    (run / "config.json").write_bytes(old)
    assert trained(run, *DECIDES) == 0
    assert contents(run / "detector") == detector
    assert read_json(run / "config.json")["recipe"]["calibration"]["false_alarms"] == 0.25


def test_what_a_training_depends_on_stays(trained, finished, tmp_path, capsys):
    """Other values are those of another run; and so are all of one that has not finished."""
    run = shutil.copytree(finished, tmp_path / "run")
    assert trained(run, "--set=frontend.n_mels=9") == 2
    assert "holds a run with frontend.n_mels" in capsys.readouterr().err
    shutil.rmtree(run / "detector")
    assert trained(run, DECIDES[0]) == 2
    assert "holds a run with calibration.false_alarms=0.1, not 0.25" in capsys.readouterr().err


@pytest.mark.slow
def test_all_seeds_of_several_runs_decide_alike(trained, tmp_path):
    """The fused detector, its parts and the detectors of the single runs change together."""
    run = tmp_path / "run"
    assert trained(run, "--num_runs=2") == 0
    assert trained(run, "--num_runs=2", *DECIDES) == 0
    folders = [run, *(run / "runs" / str(index) for index in range(2))]
    folders += [run / "detector" / "parts" / str(index) for index in range(2)]
    for folder in folders:
        inside = folder / "detector" if (folder / "detector").exists() else folder
        detector = Detector.load(inside)
        assert {t.false_alarms for t in detector.thresholds.values()} == {0.25}
        assert detector.manifest["calibration"]["rule"] == "gamma"
