"""A recording is the unit from training to score, however long it is."""

import numpy as np
import pandas as pd
import pytest
from harness import SAMPLE_RATE, exit_of, write_dataset, write_tone
from scipy.io import wavfile

import asd_tf
from asd_tf.cli import train
from asd_tf.data.layouts.inputs import Inputs
from asd_tf.data.layouts.readers import read_clips
from asd_tf.run.run import Run

WINDOW = 0.5
SECONDS = 60 * WINDOW


def add_fault(path, from_s):
    """Adds a high tone from a second on."""
    _, samples = wavfile.read(path)
    time = np.arange(len(samples)) / SAMPLE_RATE
    fault = 3000 * np.sin(2 * np.pi * 2000 * time) * (time >= from_s)
    wavfile.write(path, SAMPLE_RATE, (samples + fault).astype(np.int16))


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """Three long normal recordings, and two more, one of them with a fault from 20 % on."""
    folder = tmp_path_factory.mktemp("plant")
    for number in range(3):
        write_tone(folder / f"pump/train/{number}.wav", 300, SECONDS, number)
    for number, label in enumerate(("normal", "abnormal")):
        write_tone(folder / f"pump/test/{label}/a.wav", 300, SECONDS / 2, 5)
        write_tone(folder / f"pump/test/{label}/b.wav", 300, SECONDS / 2, 10 + number)
    for name in "ab":
        add_fault(folder / f"pump/test/abnormal/{name}.wav", 0.2 * SECONDS / 2)
    return folder


@pytest.fixture(scope="module")
def result(plant, tmp_path_factory):
    return asd_tf.train(
        "mahalanobis",
        data_dir=plant,
        values={"data.max_seconds": WINDOW, "frontend.n_mels": 16},
        run_dir=tmp_path_factory.mktemp("runs") / "run",
    )


def test_training_and_threshold_are_of_all_windows(result):
    """Three long recordings must make hundreds of rows, and a threshold from them."""
    assert len(result.run.train_clips) == 180
    assert result.run.train_clips["recording_id"].nunique() == 3
    calibration = result.detector.calibration
    assert len(calibration) == 180
    assert calibration["score"].notna().all()
    [threshold] = result.detector.thresholds.values()
    assert threshold.n == 180


def test_two_recordings_with_the_same_beginning_have_different_scores(result, plant):
    """The fault that one of them has from 20 % on must be found, and have the highest windows."""
    normal, fault = (plant / "pump/test" / label / "a.wav" for label in ("normal", "abnormal"))
    table = result.detector.score([normal, fault])
    assert table["clip_id"].tolist() == [str(normal), str(fault)]
    assert table["score"][1] > 1.5 * table["score"][0]
    assert table["decision"].tolist() == [0, 1]
    windows = result.detector.score([fault], per="window")
    assert windows["start_s"].tolist() == [WINDOW * number for number in range(30)]
    assert (windows["end_s"] - windows["start_s"]).tolist() == [WINDOW] * 30
    ranked = windows.sort_values("score", ascending=False)
    assert set(ranked.index[:24]) == set(range(6, 30))
    assert windows["decision"][6:].all()


def test_an_evaluation_has_a_row_for_each_recording(result, plant):
    """Metrics must count recordings, and agree with the detector's own scores."""
    scored = result.evaluation.scored
    assert len(scored) == 4
    assert result.evaluation.official.score == 1
    found = result.detector.score([plant / "pump" / "test"]).set_index("path")
    np.testing.assert_allclose(scored["score"], found["score"][scored["path"]], rtol=1e-5)
    np.testing.assert_allclose(scored["threshold"], found["threshold"][scored["path"]])
    assert (result.run.evaluation_folder / "report.html").exists()
    again = asd_tf.evaluate(result.run.folder).evaluation
    pd.testing.assert_frame_equal(again.scored, scored)


@pytest.mark.parametrize("size", [25, 60, 512])
def test_recordings_are_whole_however_they_are_scored(result, plant, size):
    """The size of the batches, which bounds the memory, must change no score."""
    paths = sorted(plant.rglob("test/*/*.wav"))
    expected = result.detector.score(paths)
    batches = list(result.detector.batches(Inputs(paths).table(), size=size))
    assert [len(batch) for batch in batches] == {25: [30] * 4, 60: [60] * 2, 512: [120]}[size]
    tables = [result.detector.score_batch(batch)[0] for batch in batches]
    found = pd.concat(tables, ignore_index=True)
    pd.testing.assert_frame_equal(found, expected)
    pd.testing.assert_frame_equal(result.detector.score(paths, section="any"), expected)


def test_a_recording_with_an_unreadable_window_has_no_score(result, plant, tmp_path):
    """A score of a part must not be taken for that of the whole."""
    path = tmp_path / "pump/test/a.wav"
    write_tone(path, 300, 3.0)
    rate, samples = wavfile.read(path)
    samples = (samples / 32768).astype(np.float32)
    samples[30000] = np.nan
    wavfile.write(path, rate, samples)
    assert result.detector.score([path])["status"].tolist() == ["bad_file"]
    statuses = result.detector.score([path], per="window")["status"]
    assert statuses.value_counts().to_dict() == {"ok": 5, "bad_file": 1}


def test_editions_keep_one_window(tmp_path, caplog):
    """Clips of DCASE longer than the recipe's N must be cut as ever, and the line must say so."""
    caplog.set_level("INFO")
    folder = write_dataset(tmp_path / "data", machines=["fan"], sections=["00"], seconds=1.0)
    values = {"data.seconds": 0.5, "frontend.n_mels": 16}
    one = asd_tf.train("mahalanobis", data_dir=folder, values=values, run_dir=tmp_path / "one")
    assert one.run.clips["clip_id"].tolist() == read_clips(folder)[0]["clip_id"].tolist()
    assert "recording" not in one.detector.manifest
    assert "20 recordings are longer than 0.5 s, and one window" in caplog.text
    assert "10.0 s of 20.0 s of audio are not" in caplog.text
    values["data.windows"] = "all"
    every = asd_tf.train("mahalanobis", data_dir=folder, values=values, run_dir=tmp_path / "all")
    assert len(every.run.clips) == 40
    assert len(every.evaluation.scored) == len(one.evaluation.scored)


def test_a_limit_keeps_one_recording_from_drowning_others(plant, tmp_path, caplog):
    """An hour beside a minute must be limited in training, with a word, and never in scoring."""
    caplog.set_level("INFO")
    values = {"data.max_seconds": WINDOW, "data.max_windows": 10, "frontend.n_mels": 16}
    run = asd_tf.train("mahalanobis", data_dir=plant, values=values, run_dir=tmp_path / "run").run
    assert len(run.train_clips) == 30
    assert run.train_clips["start_s"].max() == SECONDS - WINDOW
    assert len(run.test_clips) == 120
    assert "75.0 s of 90.0 s of audio are in no window; 3 recordings have more than 10" in (
        caplog.text
    )


def test_several_runs_are_fused_window_by_window(plant, tmp_path):
    """A fused detector must pool what it has fused, with thresholds of recordings as well."""
    values = {"data.max_seconds": WINDOW, "frontend.n_mels": 16}
    fused = asd_tf.train(
        "mahalanobis", data_dir=plant, values=values, run_dir=tmp_path / "run", num_runs=2
    )
    single = Run.load(tmp_path / "run" / "runs" / "0")
    assert len(fused.evaluation.scored) == 4
    assert fused.detector.manifest["recording"] == {"pool": "softmax", "hop": WINDOW}
    assert len(single.test_clips) == 120
    assert fused.evaluation.official.score == 1


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data.windows", "some", "data.windows=some: must be one of all, one"),
        ("data.hop", "0", "data.hop=0.0: must be from 0.02 to 600.0"),
        ("recording.pool", "median", "recording.pool=median: must be one of mean, max, softmax"),
    ],
)
def test_wrong_values_are_refused(plant, tmp_path, capsys, key, value, message):
    flags = ("--method=mahalanobis", f"--data_dir={plant}", f"--run_dir={tmp_path / 'run'}")
    assert exit_of(train.main, *flags, "--set", f"{key}={value}") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
