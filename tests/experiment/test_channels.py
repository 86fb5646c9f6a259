"""With --channel=each every channel is a window of its own, and the recording stays the unit."""

import numpy as np
import pandas as pd
import pytest
from harness import SAMPLE_RATE, exit_of, scored
from scipy.io import wavfile

import asd_tf
from asd_tf.cli import detector as detector_command
from asd_tf.data.layouts.inputs import Inputs
from asd_tf.detector.fused import write_fused_detector
from asd_tf.errors import InputError
from asd_tf.methods.common.held_out import hold_out
from asd_tf.scoring.fusion import Fusion

WINDOW = 0.5
WINDOWS = 6
CHANNELS = 3
VALUES = {"data.max_seconds": WINDOW, "frontend.n_mels": 16}


def write_channels(path, seed, channels=CHANNELS, fault_in=None, seconds=WINDOWS * WINDOW):
    """Writes a tone that each microphone hears with a noise of its own; one may hear a fault."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = 0.3 * np.sin(2 * np.pi * 300 * time + rng.uniform(0, 6))
    samples = tone[:, np.newaxis] + 0.05 * rng.normal(size=[len(time), channels])
    if fault_in is not None:
        samples[:, fault_in] += 0.1 * np.sin(2 * np.pi * 2000 * time)
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, SAMPLE_RATE, (32767 * samples).astype(np.int16))
    return path


def write_plant(folder, channels=CHANNELS):
    for number in range(8):
        write_channels(folder / f"pump/train/{number}.wav", number, channels)
    for number in range(2):
        write_channels(folder / f"pump/test/normal/{number}.wav", 20 + number, channels)
        fault_in = number if channels > 1 else 0
        path = folder / f"pump/test/abnormal/{number}.wav"
        write_channels(path, 30 + number, channels, fault_in)
    return folder


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    return write_plant(tmp_path_factory.mktemp("plant"))


@pytest.fixture(scope="module")
def result(plant, tmp_path_factory):
    return asd_tf.train(
        "mahalanobis", data_dir=plant, values=VALUES, channel="each",
        run_dir=tmp_path_factory.mktemp("runs") / "run",
    )  # fmt: skip


def test_every_channel_is_a_row_of_its_recording(result):
    clips = result.run.train_clips
    assert len(clips) == 8 * WINDOWS * CHANNELS
    assert clips["recording_id"].nunique() == 8
    assert clips["clip_id"].is_unique
    of_first = clips[clips["recording_id"] == "pump/train/0.wav"]
    assert of_first["channel"].tolist() == list(range(CHANNELS)) * WINDOWS
    assert of_first["clip_id"].iloc[CHANNELS + 1] == "pump/train/0.wav@0.5#channel1"
    assert of_first["start_s"].nunique() == WINDOWS


def test_a_recording_is_never_on_both_sides_of_a_split(result):
    """The channels of a recording hear the same: one must not judge the others."""
    clips = result.run.train_clips
    held_out = hold_out(clips, 0.3)
    sides = pd.Series(held_out).groupby(clips["recording_id"]).nunique()
    assert set(sides) == {1}
    assert 0 < held_out.mean() < 1
    assert result.detector.calibration["recording_id"].nunique() == 8
    assert result.detector.calibration["score"].notna().all()


def test_the_detector_knows_its_channels(result, capsys):
    assert result.detector.manifest["channels"] == CHANNELS
    assert exit_of(detector_command.main, "info", result.run.folder) == 0
    assert "channel        each of 3, as windows of their own" in capsys.readouterr().out


def test_a_fault_that_one_microphone_hears_is_found_there(result, plant):
    """The row of a recording must name the channel that raised its score most."""
    found = result.detector.score([plant / "pump/test"])
    found["fault_in"] = [0, 1, pd.NA, pd.NA]
    assert found["decision"].tolist() == [1, 1, 0, 0]
    assert found["channel"][:2].tolist() == [0, 1]
    windows = result.detector.score([plant / "pump/test/abnormal/1.wav"], per="window")
    assert len(windows) == WINDOWS * CHANNELS
    means = windows.groupby("channel")["score"].mean()
    assert means.idxmax() == 1
    assert means[1] > 1.5 * means.drop(1).max()
    both = result.detector.score([plant / "pump/test/abnormal/1.wav"], per="both")
    assert both["channel"].iloc[-1] == 1
    assert both["per"].iloc[-1] == "recording"
    assert both["score"].iloc[-1] == found["score"][1]


def test_the_threshold_is_that_of_so_many_windows(result, plant):
    found = result.detector.score([plant / "pump/test"])
    [group] = result.detector.thresholds
    expected = result.detector.recordings.threshold(group, WINDOWS * CHANNELS)
    assert expected.rule == "draws"
    assert set(found["threshold"]) == {expected.value}


def test_the_evaluation_has_a_row_for_each_recording(result, plant):
    scored = result.evaluation.scored.set_index("path")
    assert len(scored) == 4
    assert result.evaluation.official.score == 1
    again = result.detector.score([plant / "pump/test"]).set_index("path")
    np.testing.assert_allclose(scored["score"], again["score"][scored.index], rtol=1e-5)


@pytest.mark.parametrize("size", [4, 512])
def test_recordings_are_whole_however_they_are_scored(result, plant, size):
    paths = sorted(plant.rglob("test/*/*.wav"))
    batches = result.detector.batches(Inputs(paths).table(), size=size)
    tables = [result.detector.score_batch(batch)[0] for batch in batches]
    found = pd.concat(tables, ignore_index=True)
    pd.testing.assert_frame_equal(found, result.detector.score(paths))
    pd.testing.assert_frame_equal(result.detector.score(paths, section="any"), found)


def test_the_command_has_a_column_for_the_channel(result, plant, capsys):
    folder, test = result.run.detector_folder, plant / "pump/test/abnormal"
    status, rows, errors = scored(capsys, folder, test)
    assert status == 0
    assert [row["channel"] for row in rows] == ["0", "1"]
    assert "2 clips have 3 channels: each is a window of its own" in errors.splitlines()
    status, rows, _ = scored(capsys, folder, test, "--per=window")
    assert [row["channel"] for row in rows[:4]] == ["0", "1", "2", "0"]
    assert [row["start_s"] for row in rows[:4]] == ["0.0", "0.0", "0.0", "0.5"]
    status, rows, _ = scored(capsys, folder, test, "--per=both")
    assert [row["channel"] for row in rows if row["per"] == "recording"] == ["0", "1"]


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_another_number_of_channels_is_refused_in_a_line(result, tmp_path, capsys, channels):
    """Neither may channels be left out, nor a score be made of fewer; others are scored."""
    bad = write_channels(tmp_path / "pump/test/a.wav", 1, channels)
    good = write_channels(tmp_path / "pump/test/b.wav", 2)
    status, rows, errors = scored(capsys, result.run.detector_folder, bad, good)
    assert status == 1
    assert [row["status"] for row in rows] == ["bad_file", "ok"]
    count = f"{channels} channel{'s' if channels > 1 else ''}"
    reason = f"{bad}: it has {count}, and the detector was trained on each of {CHANNELS}"
    assert sum(line.endswith(reason) for line in errors.splitlines()) == 1


def test_recordings_of_different_numbers_train_nothing(tmp_path, plant):
    write_plant(tmp_path / "data")
    odd = write_channels(tmp_path / "data/pump/train/odd.wav", 1, 2)
    with pytest.raises(InputError, match=rf"--channel=each: .*2 \({odd}\), 3 \(") as raised:
        asd_tf.train("mahalanobis", data_dir=tmp_path / "data", values=VALUES, channel="each",
                     run_dir=tmp_path / "run")  # fmt: skip
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_recordings_of_one_channel_are_as_ever(tmp_path, caplog):
    caplog.set_level("INFO")
    write_plant(tmp_path / "data", channels=1)
    found = [
        asd_tf.train("mahalanobis", data_dir=tmp_path / "data", values=VALUES, channel=channel,
                     run_dir=tmp_path / str(channel))
        for channel in ("each", None)
    ]  # fmt: skip
    assert "--channel=each: no recording has a second channel; as without it" in caplog.text
    assert "channels" not in found[0].detector.manifest
    pd.testing.assert_frame_equal(found[0].evaluation.scored, found[1].evaluation.scored)


def test_where_one_window_is_scored_it_is_that_of_each_channel(plant, tmp_path):
    """As in editions of DCASE with two microphones: the first N seconds of both."""
    values = {**VALUES, "data.windows": "one", "recording.pool": "max"}
    result = asd_tf.train("mahalanobis", data_dir=plant, values=values, channel="each",
                          run_dir=tmp_path / "run")  # fmt: skip
    assert len(result.run.train_clips) == 8 * CHANNELS
    assert result.detector.manifest["recording"] == {"pool": "max", "hop": None}
    path = plant / "pump/test/abnormal/1.wav"
    windows = result.detector.score([path], per="window")
    assert windows["channel"].tolist() == list(range(CHANNELS))
    assert windows["end_s"].tolist() == [WINDOW] * CHANNELS
    [score] = result.detector.score([path])["score"]
    assert score == windows["score"].max()


@pytest.mark.slow
def test_fused_detectors_have_the_channels_of_their_parts(plant, tmp_path):
    fused = asd_tf.train("mahalanobis", data_dir=plant, values=VALUES, channel="each",
                         run_dir=tmp_path / "run", num_runs=2)  # fmt: skip
    assert fused.detector.channels == CHANNELS
    assert fused.detector.score([plant / "pump/test"])["channel"][:2].tolist() == [0, 1]
    mean = asd_tf.train("mahalanobis", data_dir=plant, values=VALUES, run_dir=tmp_path / "mean")
    parts = {"each": tmp_path / "run/runs/0/detector", "mean": mean.run.detector_folder}
    with pytest.raises(InputError, match="have 0 calibration clips in common"):
        write_fused_detector(tmp_path / "fused", parts, Fusion(rule="mean"))


def test_other_detectors_name_the_channel_of_a_window(plant, tmp_path, capsys):
    """A number, or nothing for the mean; and the rows of recordings stay as they were."""
    for channel, shown in (("1", "1"), (None, "")):
        run = tmp_path / str(channel)
        asd_tf.train("mahalanobis", data_dir=plant, values=VALUES, channel=channel, run_dir=run)
        path = plant / "pump/test/normal/0.wav"
        _, rows, _ = scored(capsys, run / "detector", path, "--per=window")
        assert {row["channel"] for row in rows} == {shown}
        _, [row], _ = scored(capsys, run / "detector", path)
        assert "channel" not in row
