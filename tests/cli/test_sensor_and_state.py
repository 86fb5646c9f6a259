"""asd-score must tell faults of the sensor from those of the machine, and a machine that is off."""

import csv
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from harness import SAMPLE_RATE, exit_of, scored
from scipy.io import wavfile

from asd_tf.cli import train
from asd_tf.data.layouts.files import clips_of_files
from asd_tf.detector import Detector
from asd_tf.detector.fused import write_fused_detector
from asd_tf.scoring.fusion import Fusion

SECONDS = 6


def hall(rng, seconds=SECONDS):
    """The noise of a hall: 50 dB below full scale, less in the higher bands."""
    noise = rng.normal(size=seconds * SAMPLE_RATE)
    return 0.003 * np.convolve(noise, np.ones(4) / 2, mode="same")


def pump(rng, seconds=SECONDS, hertz=300.0):
    """A pump in the hall."""
    time = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    hiss = np.diff(rng.normal(size=len(time) + 1)) * 0.01
    return hall(rng, seconds) + 0.1 * np.sin(2 * np.pi * hertz * time + rng.uniform(0, 6)) + hiss


def write(path, wave):
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, SAMPLE_RATE, np.clip(wave * 32767, -32768, 32767).astype(np.int16))
    return path


def joined(wave, other, start_s):
    """Replaces a wave from a second on by another."""
    at = start_s * SAMPLE_RATE
    return np.concatenate([wave[:at], other[at:]])


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """A pump that is off at the end of two of six recordings, and recordings to score."""
    folder, rng = tmp_path_factory.mktemp("plant"), np.random.default_rng(0)
    for number in range(6):
        wave = pump(rng) if number < 4 else joined(pump(rng), hall(rng), 2)
        write(folder / f"data/pump/train/{number}.wav", wave)
    fault = pump(rng, hertz=2300.0)
    waves = {
        "normal": pump(rng),
        "fault": fault,
        "off": hall(rng),
        "started": joined(hall(rng), pump(rng), 3),
        "started_faulty": joined(hall(rng), fault, 3),
        "clipped": np.clip(pump(rng), -0.08, 0.08),
        "gain": 7 * pump(rng),
        "unplugged": rng.normal(0, 2e-5, SECONDS * SAMPLE_RATE),
        "cut": joined(pump(rng), np.zeros(SECONDS * SAMPLE_RATE), 5),
        "blip": pump(rng, 1)[:400],
    }
    for name, wave in waves.items():
        write(folder / f"data/pump/test/{name}.wav", wave)
    return folder


@pytest.fixture(scope="module")
def run(plant):
    flags = ("--method=mahalanobis", f"--data_dir={plant / 'data'}", f"--run_dir={plant / 'run'}")
    assert exit_of(train.main, *flags, "--set=data.max_seconds=1", "--set=data.state=auto") == 0
    return plant / "run"


def by_name(rows, column):
    return {row["path"].split("/")[-1].removesuffix(".wav"): row[column] for row in rows}


def test_verdicts_of_recordings(capsys, plant, run):
    """Only the machine's fault may be an anomaly, and every other state must have its word."""
    status, rows, errors = scored(
        capsys, run / "detector", plant / "data/pump/test", "--fail_on_anomaly"
    )
    assert status == 3
    assert by_name(rows, "decision") == {
        "normal": "0", "fault": "1", "off": "", "started": "0", "started_faulty": "1",
        "clipped": "sensor", "gain": "sensor", "unplugged": "sensor", "cut": "sensor",
        "blip": "sensor",
    }  # fmt: skip
    assert by_name(rows, "sensor") == {
        "normal": "ok", "fault": "ok", "off": "", "started": "ok", "started_faulty": "ok",
        "clipped": "clipped", "gain": "gain", "unplugged": "silent", "cut": "silent",
        "blip": "too_short",
    }  # fmt: skip
    status_of = by_name(rows, "status")
    assert status_of.pop("off") == "off"
    assert status_of.pop("unplugged") == status_of.pop("cut") == "silent"
    assert status_of.pop("blip") == "too_short"
    assert set(status_of.values()) == {"ok"}
    scores = by_name(rows, "score")
    assert [name for name, value in scores.items() if not value] == ["off"]
    assert "sensor: 5 of 10 recordings are no anomalies but faults of the sensor" in errors
    assert "state: 12 of 55 windows are of machines that are off, and not scored" in errors


def test_faults_of_the_sensor_do_not_set_the_exit_status(capsys, plant, run):
    files = [plant / f"data/pump/test/{name}.wav" for name in ("clipped", "unplugged", "off")]
    status, _, _ = scored(capsys, run / "detector", *files, "--fail_on_anomaly")
    assert status == 0


def test_windows_have_verdicts_of_their_own(capsys, plant, run):
    """The score of a recording must be that of its running windows alone."""
    file = plant / "data/pump/test/started_faulty.wav"
    _, rows, _ = scored(capsys, run / "detector", file, "--per=both")
    *windows, recording = rows
    assert [row["status"] for row in windows] == ["off"] * 3 + ["ok"] * 3
    assert [row["score"] == "" for row in windows] == [True] * 3 + [False] * 3
    values = [float(row["score"]) for row in windows[3:]]
    assert min(values) <= float(recording["score"]) <= max(values)
    assert (recording["start_s"], recording["end_s"]) == ("0.0", "6.0")
    _, rows, _ = scored(capsys, run / "detector", plant / "data/pump/test/cut.wav", "--per=both")
    assert [row["decision"] for row in rows] == ["0"] * 5 + ["sensor"] * 2


def test_sections_are_chosen_by_running_windows(capsys, plant, run):
    file = plant / "data/pump/test/started_faulty.wav"
    arguments = (run / "detector", file, plant / "data/pump/test/off.wav")
    _, expected, _ = scored(capsys, *arguments)
    _, rows, _ = scored(capsys, *arguments, "--section=any")
    assert rows == expected


def test_tables_keep_their_types(capsys, plant, run, tmp_path):
    """JSON lines have the word as CSV does; Parquet, whose columns have one type, has no value."""
    file = plant / "data/pump/test/clipped.wav"
    for suffix in ("jsonl", "parquet"):
        scored(capsys, run / "detector", file, f"--output={tmp_path / 'scores'}.{suffix}")
    row = json.loads((tmp_path / "scores.jsonl").read_text())
    assert (row["decision"], row["sensor"]) == ("sensor", "clipped")
    table = pd.read_parquet(tmp_path / "scores.parquet")
    assert table["decision"].isna().all() and table["sensor"].tolist() == ["clipped"]


def test_a_fused_detector_judges_as_its_parts_do(plant, run, tmp_path):
    parts = dict.fromkeys(("a", "b"), run / "detector")
    write_fused_detector(tmp_path / "fused", parts, Fusion("mean", "raw"))
    clips = clips_of_files([plant / "data/pump/test"])
    columns = ["clip_id", "status", "sensor", "decision"]
    single = Detector.load(run / "detector").score(clips)
    fused = Detector.load(tmp_path / "fused").score(clips)
    assert fused[columns].equals(single[columns])


def test_an_evaluation_keeps_the_decisions_of_the_threshold(run):
    """Metrics must not move with the sensor; its verdicts must have a table of their own."""
    with (run / "evaluation" / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        expected = (
            "" if not row["score"] else str(int(float(row["score"]) > float(row["threshold"])))
        )
        assert row["decision"].removesuffix(".0") == expected
    assert (
        by_name([{**row, "path": row["clip_id"]} for row in rows], "sensor")["clipped"] == "clipped"
    )
    report = (run / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert 'id="sensor"' in report
    assert "the machine is off" in report
    for split, count in (("train", 28), ("test", 55)):
        lines = (run / "health" / f"{split}.csv").read_text().splitlines()
        assert len(lines) == count + 1


def test_windows_that_are_off_are_left_out_of_the_training(run):
    table = (run / "clips.csv").read_text()
    assert table.count("supplemental") == 8
    assert table.count("left_out") == 8


def test_a_detector_without_limits_has_no_verdict(capsys, plant, run, tmp_path):
    """A detector of an earlier version must score on; silence needs no limits."""
    from sealed import reseal

    folder = tmp_path / "detector"
    shutil.copytree(run / "detector", folder)

    def strip(manifest):
        for group in manifest["groups"]:
            del group["sensor"], group["off"]

    reseal(folder, strip)
    files = [plant / f"data/pump/test/{name}.wav" for name in ("normal", "gain", "off")]
    silence = write(tmp_path / "pump/test/silence.wav", np.zeros(SAMPLE_RATE))
    _, rows, _ = scored(capsys, folder, *files, silence)
    assert [row["sensor"] for row in rows] == ["", "", "", "silent"]
    assert [row["decision"] for row in rows] == ["0", "1", "1", "sensor"]


@pytest.mark.parametrize(
    ("value", "message"),
    [("state", "no training clip has this attribute; they have none, and auto looks at level")],
)
def test_a_state_that_no_clip_has_is_refused(plant, tmp_path, capsys, value, message):
    flags = ("--method=mahalanobis", f"--data_dir={plant / 'data'}", f"--run_dir={tmp_path / 'r'}")
    assert exit_of(train.main, *flags, f"--set=data.state={value}") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
