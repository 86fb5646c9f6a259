"""What is in a data folder and cannot be read must be counted and named, and nothing else."""

import csv
import io
import sys

import numpy as np
import pytest
from harness import SAMPLE_RATE, exit_of, write_tone
from media_files import write_media

from asd_tf.cli import score, train

FLAGS = ("--method=loudness", "--recipe=paper")


@pytest.fixture
def mixed(tmp_path):
    """Recordings of two recorders, and what else lies about."""
    for number in range(4):
        write_tone(tmp_path / f"pump/train/{number}.wav", 300, 1.0, number)
    for number in range(2):
        samples = np.random.default_rng(number).normal(scale=0.1, size=SAMPLE_RATE)
        write_media(tmp_path / f"pump/train/phone{number}.m4a", samples, SAMPLE_RATE)
    write_tone(tmp_path / "pump/test/normal/0.wav", 300, 1.0, 9)
    for name in ("notes.txt", "plot.png", "table.csv"):
        (tmp_path / "pump/train" / name).write_text("a, b\n")
    return tmp_path


def lines_of(capsys):
    return [line for line in capsys.readouterr().err.splitlines() if "bad file" in line]


def run(mixed, *flags):
    return exit_of(train.main, *FLAGS, f"--data_dir={mixed}", f"--run_dir={mixed / 'run'}", *flags)


def test_media_files_are_recordings(mixed, capsys):
    assert run(mixed) == 0
    assert lines_of(capsys) == []
    assert "phone0.m4a" in (mixed / "run" / "clips.csv").read_text()


@pytest.mark.parametrize("is_broken", [True, False])
def test_training_names_what_it_cannot_read(mixed, capsys, monkeypatch, is_broken):
    """By default it must stop, and with --on_bad_file=skip go on; either with one line."""
    if is_broken:
        reason = "damaged"
        for path in mixed.glob("pump/train/*.m4a"):
            path.write_bytes(path.read_bytes()[:2000])
    else:
        reason = "an MP4 file (m4a, mp4, mov, 3gp): pip install 'asd_tf[media]' to read it"
        monkeypatch.setitem(sys.modules, "av", None)
    for flags, status in (((), 1), (("--on_bad_file=skip",), 0)):
        assert run(mixed, *flags) == status
        [line] = lines_of(capsys)
        assert "2 bad files: " in line
        assert f"phone0.m4a: {reason}" in line
        assert f"phone1.m4a: {reason}" in line
        assert not any(name in line for name in ("notes", "plot", "table"))


def test_scoring_a_folder_names_what_it_cannot_read(mixed, capsys):
    assert run(mixed) == 0
    (mixed / "pump/train/phone0.m4a").write_bytes(b"\0\0\0\x18ftypM4A " + bytes(100))
    capsys.readouterr()
    assert exit_of(score.main, mixed / "run/detector", mixed / "pump/train") == 1
    out, err = capsys.readouterr()
    statuses = {
        row["path"].rsplit("/", 1)[1]: row["status"] for row in csv.DictReader(io.StringIO(out))
    }
    assert statuses.pop("phone0.m4a") == "bad_file"
    assert set(statuses.values()) == {"ok"}
    assert len(statuses) == 5
    assert sum("phone0.m4a: damaged" in line for line in err.splitlines()) == 1
    assert not any(name in err for name in ("notes", "plot", "table"))


def test_a_table_that_is_scored_is_told_to_be_one(mixed, capsys):
    assert run(mixed) == 0
    capsys.readouterr()
    table = mixed / "pump/train/table.csv"
    assert exit_of(score.main, mixed / "run/detector", table) == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if "table.csv" in line]
    assert "there is no column 'path'" in line
    assert line.endswith("a table of samples is made audio as docs/recordings.md shows")
