"""The commands of the page on recordings must do what the page says."""

import csv
import json
import re
from pathlib import Path

import pytest
import soundfile
from pages import DOCS, blocks_of, run_blocks, succeed

from asd_tf.data.decoding.reader import read_samples

PAGE = DOCS / "recordings.md"


def run_page(folder, some):
    """Runs some of the blocks of the page."""
    assert len(blocks_of(PAGE.name)) == 9
    return run_blocks(PAGE.name, folder, some)


def rows_of(path):
    """Returns the rows of a table of scores."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def first(folder):
    """What the blocks up to the first scores wrote on the standard error."""
    return succeed(run_page(folder, slice(4)))


@pytest.fixture(scope="module")
def rest(folder, first):
    return [*first, *succeed(run_page(folder, slice(4, None)))]


def lines_of_page():
    """Returns the lines of the page that a training must print."""
    text = PAGE.read_text(encoding="utf-8")
    lines = re.findall(r"^    ((?:windows of|train|test|frames)\b.*)$", text, re.MULTILINE)
    assert len(lines) == 4
    return lines


@pytest.mark.slow
def test_training_prints_the_lines_of_the_page(first):
    for line in lines_of_page()[:3]:
        assert line in first[1]


@pytest.mark.slow
def test_the_fault_is_found_where_it_is(folder, first):
    rows = rows_of(folder / "scores.jsonl")
    decisions = {Path(r["path"]).stem: r["decision"] for r in rows if r["per"] == "recording"}
    assert decisions == {"tuesday": 0, "wednesday": 1}
    windows = [row for row in rows_of(folder / "windows.csv") if "wednesday" in row["path"]]
    assert len(windows) == 30
    before = [float(row["score"]) for row in windows if float(row["end_s"]) <= 12]
    after = [float(row["score"]) for row in windows if float(row["start_s"]) >= 12]
    assert max(before) < max(after)
    assert sum(before) / len(before) < sum(after) / len(after)


@pytest.mark.slow
def test_faults_of_the_sensor_are_told(folder, first):
    (said,) = re.findall(r"^    (sensor: .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert said in first[3]
    found = rows_of(folder / "faults.csv")
    assert [(row["path"], row["sensor"], row["decision"]) for row in found] == [
        ("clipped.wav", "clipped", "sensor"), ("unplugged.wav", "silent", "sensor"),
    ]  # fmt: skip


@pytest.mark.slow
def test_the_file_of_a_phone_is_scored(folder, rest):
    [row] = rows_of(folder / "phone.csv")
    assert row["status"] == "ok"
    [of_wav] = [
        one for one in rows_of(folder / "scores.jsonl")
        if one["per"] == "recording" and one["path"].endswith("wednesday.wav")
    ]  # fmt: skip
    assert float(row["score"]) < float(row["threshold"]) < of_wav["score"]


@pytest.mark.slow
def test_the_channel_that_hears_the_fault_is_named(folder, rest):
    rows = rows_of(folder / "each.jsonl")
    found = {Path(row["path"]).stem: row for row in rows if row["per"] == "recording"}
    assert found["wednesday"]["channel"] == 0
    assert found["tuesday"]["score"] < found["wednesday"]["score"] < found["wednesday"]["threshold"]
    windows = [row for row in rows if row["per"] == "window"]
    assert len(windows) == 2 * 2 * 30
    late = [r for r in windows if "wednesday" in r["path"] and r["start_s"] >= 12]
    near, far = ([r["score"] for r in late if r["channel"] == channel] for channel in (0, 1))
    assert sum(near) / len(near) > 1.3 * max(far)


@pytest.mark.slow
def test_rates_are_told_or_refused(folder, rest):
    assert lines_of_page()[2] in rest[6]
    assert "--set data.sample_rate=16000, or leave them out" in rest[6]
    assert not (folder / "high").exists()


@pytest.mark.slow
def test_a_table_becomes_a_recording(folder, rest):
    assert "sensor.csv, line 1: there is no column 'path'" in rest[7]
    assert "docs/recordings.md" in rest[7]
    samples, rate = soundfile.read(folder / "sensor.wav")
    assert (samples.shape, rate) == ((64000, 3), 3200)
    assert abs(samples[:, 2].mean() - 9.81) < 0.05
    assert len(read_samples(folder / "sensor.wav", 2)) == 64000
