"""Versions must calibrate by the sessions by which the training did."""

import numpy as np
import pandas as pd
import pytest
from harness import exit_of, write_tone
from sealed import reseal
from versions import run

from asd_tf.cli import train
from asd_tf.detector import Detector


def write_session(folder, session, hertz):
    """Writes three recordings that sound alike, and returns the rows of a manifest."""
    names = [folder / f"{session}-{number}.wav" for number in range(3)]
    for number, name in enumerate(names):
        write_tone(name, hertz, 1.0, seed=10 * session + number)
    return pd.DataFrame({"path": names, "machine": "fan", "session": f"day {session}"})


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """A detector of four sessions of three recordings, of two windows each."""
    folder = tmp_path_factory.mktemp("sessions")
    rows = [write_session(folder / "audio", session, 200 + 40 * session) for session in range(4)]
    pd.concat(rows).to_csv(folder / "clips.csv", index=False)
    flags = (f"--data_dir={folder / 'clips.csv'}", f"--run_dir={folder / 'run'}")
    values = ("--set=data.seconds=0.5", "--set=data.windows=all", "--set=calibration.group_by=None")
    assert exit_of(train.main, "--method=mahalanobis", *values, *flags) == 0
    return folder / "run" / "detector"


def added(capsys, detector, table, target, is_new):
    """Adds recordings, and returns the new version and the mean of their calibration scores."""
    table.to_csv(target.with_suffix(".csv"), index=False)
    status, _, err = run(capsys, "add", detector, target.with_suffix(".csv"), f"--output={target}")
    assert status == 0, err
    version = Detector.load(target)
    rows = version.calibration
    return version, rows["score"][rows["clip_id"].str.contains(is_new, regex=False)].mean()


def test_recordings_that_join_calibrate_by_their_session(detector, tmp_path, capsys, caplog):
    """A backend that has heard others of their session must not score them."""
    trained = Detector.load(detector)
    assert trained.manifest["features"]["group_by"] == "session"
    assert set(trained.windows.table["unit"]) == {f"day {session}" for session in range(4)}
    new = write_session(tmp_path / "audio", 7, 700)
    version, by_session = added(capsys, detector, new, tmp_path / "named", "/7-")
    assert version.manifest["features"]["group_by"] == "session"
    assert version.windows.table["unit"].value_counts()["day 7"] == 6
    assert "do not say their session" not in caplog.text
    unnamed = new.drop(columns="session")
    _, by_recording = added(capsys, detector, unnamed, tmp_path / "unnamed", "/7-")
    assert "3 of 3 recordings do not say their session (calibration.group_by)" in caplog.text
    assert by_session > by_recording


def test_fitted_again_without_a_change_the_folds_are_those_of_training(detector, tmp_path, capsys):
    """What joins and leaves again must leave the thresholds as they were."""
    new = write_session(tmp_path / "audio", 7, 700)
    version, _ = added(capsys, detector, new, tmp_path / "more", "/7-")
    less = tmp_path / "less"
    status = run(capsys, "remove", version.folder, "--clips=*/7-*", f"--output={less}")[0]
    assert status == 0
    of_training, back = (Detector.load(folder).calibration for folder in (detector, less))
    pd.testing.assert_series_equal(of_training["clip_id"], back["clip_id"])
    np.testing.assert_allclose(back["score"], of_training["score"], rtol=5e-3)


def test_a_table_without_units_has_those_of_recordings(detector):
    """Detectors of which the table has no such column must be read."""
    file = detector / "features" / "windows.csv"
    text = file.read_text()
    pd.read_csv(file).drop(columns="unit").to_csv(file, index=False)
    reseal(detector, lambda manifest: manifest["features"].pop("group_by"))
    table = Detector.load(detector).windows.table
    assert (table["unit"] == table["recording_id"]).all()
    file.write_text(text)
    reseal(detector, lambda manifest: manifest["features"].update(group_by="session"))
