"""Scoring to a file must go on where it was stopped, and end as if it had not been stopped."""

import random
import signal
import subprocess
import sys
import time

import pytest
from harness import exit_of, write_tone

import asd_tf
from asd_tf.cli import score
from asd_tf.service import bulk
from asd_tf.service.work_file import WorkFile

COMMAND = (sys.executable, "-c", "from asd_tf.cli.score import main; main()")
WINDOW, SECONDS = 0.5, 30.0
PER_BATCH = 8  # recordings of 60 windows in a batch of up to 512


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plant")
    for number in range(3):
        write_tone(folder / f"data/pump/train/{number}.wav", 300, 10, number)
    values = {"data.max_seconds": WINDOW, "frontend.n_mels": 16}
    asd_tf.train("mahalanobis", data_dir=folder / "data", values=values, run_dir=folder / "run")
    return folder / "run" / "detector"


def recordings(folder, count):
    """Writes recordings, one of which has a name that is not UTF-8; returns their folder."""
    place = folder / "pump" / "test"
    for number in range(count):
        write_tone(place / f"{number:03d}.wav", 300, SECONDS, 100 + number)
    (place / "001.wav").rename(place / "001\udcff.wav")
    return place


def scored(capsys, detector, place, output, *flags):
    status = exit_of(score.main, detector, place, f"--output={output}", "--machine=pump", *flags)
    return status, capsys.readouterr().err


def kill_after(detector, place, output, batches, delay=0.0):
    """Starts the command, and kills it some time after it has finished a number of batches."""
    flags = (str(detector), str(place), f"--output={output}", "--machine=pump")
    process = subprocess.Popen(
        [*COMMAND, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    part = output.with_name(f".{output.name}.part")
    before = lines_in(part) or 1  # the line of the command
    while lines_in(part) < before + batches:
        assert process.poll() is None, "the command ended before it could be killed"
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not output.exists()


def lines_in(part):
    return part.read_bytes().count(b"\n") if part.exists() else 0


def test_a_killed_run_goes_on(capsys, detector, tmp_path):
    """Finished batches must be taken over, one with a changed file not, and no digit may differ."""
    place, output = recordings(tmp_path, 4 * PER_BATCH), tmp_path / "scores.csv"
    kill_after(detector, place, output, batches=2)
    write_tone(place / "000.wav", 300, SECONDS, 99)
    status, errors = scored(capsys, detector, place, output)
    assert (status, "bad_file" in output.read_text()) == (1, True)  # the name that is not UTF-8
    taken = int(errors.split(" of 32 recordings were scored before")[0].rsplit(" ", 1)[-1])
    assert taken in (PER_BATCH, 2 * PER_BATCH)
    assert "finished batches that are not, as files have changed: 1" in errors
    again = tmp_path / "again.csv"
    scored(capsys, detector, place, again)
    assert again.read_bytes() == output.read_bytes()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["again.csv", "pump", "scores.csv"]


@pytest.mark.slow
def test_ten_kills_leave_no_trace(capsys, detector, tmp_path):
    """Kills at any moment must never leave half a file, nor change a byte of the whole one."""
    place, output = recordings(tmp_path, 40 * PER_BATCH), tmp_path / "scores.jsonl"
    draw = random.Random(0)
    for _ in range(10):
        kill_after(detector, place, output, draw.randrange(3), draw.uniform(0, 0.5))
    _, errors = scored(capsys, detector, place, output)
    assert "were scored before and are taken over" in errors
    whole = tmp_path / "whole.jsonl"
    scored(capsys, detector, place, whole)
    assert whole.read_bytes() == output.read_bytes()


def test_another_command_begins_anew(capsys, detector, tmp_path, monkeypatch):
    """Results of other arguments must not be taken over, and it must be said."""
    place, output = recordings(tmp_path, PER_BATCH + 1), tmp_path / "scores.csv"
    append, done = WorkFile.append, []

    def append_and_break(self, key, rows):
        append(self, key, rows)
        done.append(key)
        if len(done) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(WorkFile, "append", append_and_break)
    assert scored(capsys, detector, place, output)[0] == 130
    assert (tmp_path / ".scores.csv.part").exists()
    _, errors = scored(capsys, detector, place, output, "--per=window")
    assert "results of another command, unfinished, are discarded" in errors
    assert len(output.read_text().splitlines()) == 1 + 8 * 60 + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pump", "scores.csv"]


def test_memory_holds_one_batch(detector, tmp_path, monkeypatch):
    """Neither rows nor clip tables of all recordings may be in memory at once."""
    place = recordings(tmp_path, 2 * PER_BATCH)
    sizes = []
    loaded = asd_tf.load_detector(detector)
    inputs = bulk.Inputs([place])
    monkeypatch.setattr(inputs, "tables", lambda tables=inputs.tables: tables(size=PER_BATCH))
    for batch in bulk.BulkScoring(loaded, inputs, ["path", "score"], machine="pump").batches():
        sizes.append((len(batch.recordings), len(batch.rows)))
    assert sizes == [(PER_BATCH, PER_BATCH)] * 2
