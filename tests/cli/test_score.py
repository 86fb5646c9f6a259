"""asd-score must print a line per clip, also of clips that cannot be scored."""

import importlib.util
import io
import json
import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from harness import exit_of, scored, write_tone
from scipy.io import wavfile

from asd_tf.cli import train
from asd_tf.detector import Detector


@pytest.fixture(scope="module")
def detector(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "mahalanobis"
    assert exit_of(
        train.main, "--method=mahalanobis", f"--data_dir={dataset}", f"--run_dir={folder}"
    ) == 0  # fmt: skip
    return folder / "detector"


def test_a_folder_is_scored_to_csv(capsys, dataset, detector):
    """Machine and section must be found also if .../fan/test itself is given."""
    folder = dataset / "dev_data" / "fan" / "test"
    status, rows, _ = scored(capsys, detector, folder)
    assert status == 0
    assert [row["path"] for row in rows] == [str(path) for path in sorted(folder.iterdir())]
    assert list(rows[0]) == [
        "path", "machine", "section", "score", "p_value", "threshold", "decision", "status",
        "sensor",
    ]  # fmt: skip
    for row in rows:
        assert (row["machine"], row["status"]) == ("fan", "ok")
        assert row["section"] == row["path"].split("section_")[1][:2]
        above = float(row["score"]) > float(row["threshold"])
        assert row["decision"] == str(int(above))


def test_anomalies_score_higher(capsys, dataset, detector):
    """The simplest method must detect a tone an octave higher."""
    _, rows, _ = scored(capsys, detector, dataset / "dev_data")
    rows = [row for row in rows if "_test_" in row["path"]]
    normal = [float(row["score"]) for row in rows if "_normal_" in row["path"]]
    anomalous = [float(row["score"]) for row in rows if "_anomaly_" in row["path"]]
    assert min(anomalous) > max(normal)


def test_bad_and_unknown_files_have_a_row_and_a_reason(capsys, dataset, detector, tmp_path):
    """A bad file must not stop the scoring, and must set the exit status."""
    good = sorted((dataset / "dev_data" / "fan" / "test").iterdir())[0]
    bad = tmp_path / "fan" / "test" / good.name
    bad.parent.mkdir(parents=True)
    bad.write_bytes(good.read_bytes()[:100])
    stranger = tmp_path / "pump" / "test" / good.name
    stranger.parent.mkdir(parents=True)
    shutil.copy(good, stranger)
    status, rows, errors = scored(capsys, detector, bad, stranger, good)
    assert status == 1
    assert [row["status"] for row in rows] == ["bad_file", "unknown_group", "ok"]
    assert [row["score"] == "" for row in rows] == [True, True, False]
    assert [row["decision"] == "" for row in rows] == [True, True, False]
    assert f"{bad}: truncated" in errors
    assert "machine 'pump'" in errors
    assert "fan 00" in errors


def test_flags_say_what_names_do_not(capsys, dataset, detector, tmp_path):
    good = next((dataset / "dev_data" / "fan" / "test").glob("section_00_source_test_normal*"))
    nameless = shutil.copy(good, tmp_path / "monday.wav")
    _, (expected,), _ = scored(capsys, detector, good)
    status, (row,), _ = scored(capsys, detector, nameless, "--machine=fan", "--section=00")
    assert status == 0
    assert row["score"] == expected["score"]
    status, (row,), _ = scored(capsys, detector, nameless, "--machine=fan", "--section=any")
    assert (status, row["section"]) == (0, "00")
    status, rows, _ = scored(capsys, detector, nameless)
    assert (status, rows[0]["status"]) == (1, "unknown_group")


def test_paths_are_printed_as_they_were_given(capsys, dataset, detector, monkeypatch):
    """Paths must be printed as given, so that scripts can join the scores with their files."""
    monkeypatch.chdir(dataset)
    given = sorted(path.relative_to(dataset).as_posix() for path in dataset.rglob("test/*.wav"))[0]
    _, (row,), _ = scored(capsys, detector, given)
    assert row["path"] == given


def test_files_that_are_none(capsys, dataset, detector, tmp_path):
    """A name that is not UTF-8, a pipe and a path that has gone must each cost their row alone."""
    good = sorted((dataset / "dev_data" / "fan" / "test").iterdir())[0]
    folder = tmp_path / "fan" / "test"
    folder.mkdir(parents=True)
    odd, pipe, gone = (folder / f"{name}{good.name}" for name in ("\udcff", "pipe", "gone"))
    shutil.copy(good, odd)
    os.mkfifo(pipe)
    status, rows, errors = scored(capsys, detector, odd, pipe, gone, good, "--section=00")
    assert status == 1
    assert [row["status"] for row in rows] == ["bad_file"] * 3 + ["ok"]
    assert "\\udcff" in rows[0]["path"]
    for reason in ("not UTF-8", "not a file but a device, a pipe", "gone.*No such file"):
        assert re.search(reason, errors)


def test_no_such_file(capsys, detector, tmp_path):
    status, rows, errors = scored(capsys, detector, tmp_path / "nowhere.wav")
    assert (status, rows) == (1, [])
    assert "no such file" in errors


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """A detector of windows of 0.5 s, and two recordings of 5 s, one with a fault from 1 s on."""
    folder = tmp_path_factory.mktemp("plant")
    for number in range(3):
        write_tone(folder / f"data/pump/train/{number}.wav", 300, 10, number)
    normal, fault = (folder / f"data/pump/test/{name}.wav" for name in ("a", "b"))
    write_tone(normal, 300, 5, 7)
    rate, samples = wavfile.read(normal)
    time = np.arange(len(samples)) / rate
    faulty = samples + 3000 * np.sin(2 * np.pi * 2000 * time) * (time >= 1)
    wavfile.write(fault, rate, faulty.astype(np.int16))
    flags = ("--method=mahalanobis", f"--data_dir={folder / 'data'}", f"--run_dir={folder / 'run'}")
    assert exit_of(train.main, *flags, "--set=data.max_seconds=0.5") == 0
    return folder / "run" / "detector", normal, fault


def test_windows_and_recordings_are_in_one_table(capsys, plant):
    """Windows must have their places, and the fault's must be the highest."""
    detector, normal, fault = plant
    status, rows, _ = scored(capsys, detector, normal, fault, "--per=both")
    assert status == 0
    assert list(rows[0]) == [
        "path", "machine", "section", "start_s", "end_s", "channel", "score", "p_value",
        "threshold", "decision", "status", "sensor", "per",
    ]  # fmt: skip
    recordings = [row for row in rows if row["per"] == "recording"]
    assert [(row["path"], row["decision"]) for row in recordings] == [
        (str(normal), "0"), (str(fault), "1"),
    ]  # fmt: skip
    assert [(row["start_s"], row["end_s"]) for row in recordings] == [("0.0", "5.0")] * 2
    windows = [row for row in rows if row["per"] == "window" and row["path"] == str(fault)]
    assert [row["start_s"] for row in windows] == [str(0.5 * number) for number in range(10)]
    assert [row["end_s"] for row in windows] == [str(0.5 * number) for number in range(1, 11)]
    values = [float(row["score"]) for row in windows]
    assert min(values[2:]) > max(values[:2])
    _, only, _ = scored(capsys, detector, normal, fault)
    assert [row["score"] for row in only] == [row["score"] for row in recordings]
    _, only, _ = scored(capsys, detector, fault, "--per=window")
    assert [row["score"] for row in only] == [row["score"] for row in windows]


def test_anomalies_can_set_the_exit_status(capsys, plant, tmp_path):
    """A script must learn of an anomaly, also where another file could not be scored."""
    detector, normal, fault = plant
    gone = tmp_path / "gone.wav"
    for paths, expected in (
        ([normal], 0), ([normal, fault], 3), ([gone, fault], 3), ([gone, normal], 1),
    ):  # fmt: skip
        flags = ("--fail_on_anomaly", "--machine=pump")
        assert scored(capsys, detector, *paths, *flags)[0] == expected
    assert scored(capsys, detector, fault)[0] == 0


def test_paths_come_from_the_standard_input(capsys, plant, monkeypatch):
    """A list of more files than a command line takes must be scored, with others named beside."""
    detector, normal, fault = plant
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{fault}\n\n".encode())))
    _, rows, _ = scored(capsys, detector, "-", normal)
    assert [row["path"] for row in rows] == [str(fault), str(normal)]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
    status, rows, errors = scored(capsys, detector, "-")
    assert (status, rows) == (1, [])
    assert "no path on the standard input" in errors


def test_files_are_written_whole_or_not_at_all(capsys, plant, tmp_path, monkeypatch):
    """JSON lines must hold numbers and null; an interruption must leave the file as it was."""
    detector, normal, fault = plant
    output, gone = tmp_path / "scores.jsonl", tmp_path / "gone.wav"
    arguments = (detector, normal, fault, gone, "--machine=pump", f"--output={output}")
    status, rows, _ = scored(capsys, *arguments)
    assert (status, rows) == (1, [])
    found = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row["status"] for row in found] == ["ok", "ok", "bad_file"]
    assert [row["decision"] for row in found] == [0, 1, None]
    assert found[2]["score"] is None
    _, rows, _ = scored(capsys, detector, normal)
    assert found[0]["score"] == float(rows[0]["score"])
    before = output.read_text()

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Detector, "_rows_per", interrupted)
    assert scored(capsys, *arguments)[0] == 130
    assert output.read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["scores.jsonl"]


def test_only_files_are_replaced(capsys, plant, tmp_path):
    """A folder, or a device, must never be replaced by a table."""
    detector, normal, _ = plant
    status, _, errors = scored(capsys, detector, normal, f"--output={tmp_path}")
    assert (status, "is a folder or a device" in errors) == (2, True)
    assert tmp_path.is_dir()


def test_parquet(capsys, plant, tmp_path):
    """Parquet must keep types, or say which package it needs, before anything is scored."""
    detector, normal, _ = plant
    status, _, errors = scored(capsys, detector, normal, "--format=parquet")
    assert (status, "--output" in errors) == (2, True)
    output = tmp_path / "scores.parquet"
    if importlib.util.find_spec("pyarrow") is None:
        status, _, errors = scored(capsys, detector, normal, f"--output={output}")
        assert (status, "asd_tf[parquet]" in errors) == (2, True)
        assert not output.exists()
        return
    assert scored(capsys, detector, normal, f"--output={output}")[0] == 0
    table = pd.read_parquet(output)
    assert table["path"].tolist() == [str(normal)]
    assert table["score"].dtype == float


def test_one_window_says_what_it_leaves_out(capsys, dataset, detector, tmp_path):
    """A detector of an edition scores the beginning of a recording, with a word on the rest."""
    good = next((dataset / "dev_data" / "fan" / "test").glob("section_00_source_test_normal*"))
    _, (expected,), _ = scored(capsys, detector, good)
    rate, samples = wavfile.read(good)
    path = tmp_path / "fan" / "test" / good.name
    path.parent.mkdir(parents=True)
    wavfile.write(path, rate, np.concatenate([samples, samples]))
    _, (row,), errors = scored(capsys, detector, path)
    assert row["score"] == expected["score"]
    assert "1 recording is longer than 0.5 s, and its first window is used" in errors
    _, (window,), _ = scored(capsys, detector, path, "--per=window")
    assert (window["start_s"], window["end_s"]) == ("0.0", "0.5")


def test_rows_of_a_manifest_are_scored(capsys, plant):
    """A table must say machine and part of a file, and each row must have the score of its part."""
    detector, normal, fault = plant
    manifest = fault.parent / "new.csv"
    manifest.write_text(
        f"path,machine,start_s,duration_s\n{fault.name},pump,0,1\n{fault.name},pump,1,4\n"
        f"{normal.name},saw,,\n"
    )
    status, rows, errors = scored(capsys, detector, manifest)
    assert (status, [row["path"] for row in rows]) == (1, ["b.wav#0-1", "b.wav#1-5", "a.wav"])
    assert [row["decision"] for row in rows] == ["0", "1", ""]
    assert "not known: machine 'saw', section '00'" in errors
    _, windows, _ = scored(capsys, detector, manifest, "--per=window")
    places = [(row["path"], row["start_s"]) for row in windows[:3]]
    assert places == [("b.wav#0-1", "0.0"), ("b.wav#0-1", "0.5"), ("b.wav#1-5", "1.0")]
    manifest.write_text("path\nb.wav\n")
    status, rows, errors = scored(capsys, detector, manifest)
    assert (status, rows, "there is no column 'machine'" in errors) == (1, [], True)
