"""What is scored must be listed whole, in order, and a few recordings at a time."""

import pandas as pd
import pytest
from data_helpers import touch_files

from asd_tf.data.layouts.inputs import Inputs
from asd_tf.errors import InputError

MANIFEST = """path,machine,section,split,label,channel,start_s,duration_s,load
a.wav,press,01,train,,,0,10,high
a.wav,press,,test,anomaly,1,10,2.5,
"""


@pytest.fixture
def folder(tmp_path):
    touch_files(tmp_path, ["a.wav", *(f"fan/test/{number}.wav" for number in range(5))])
    (tmp_path / "clips.csv").write_text(MANIFEST)
    return tmp_path


def test_a_manifest_says_what_a_recording_is(folder):
    """Part, machine, section, channel and attributes must be those of the row."""
    table = Inputs([folder / "clips.csv"], channel=0).table()
    assert table["clip_id"].tolist() == ["a.wav#0-10", "a.wav#10-12.5#channel1"]
    assert table["path"].tolist() == [str(folder / "a.wav")] * 2
    assert table["start_s"].tolist() == [0, 10]
    assert table["duration_s"].tolist() == [10, 2.5]
    assert table["section"].tolist() == ["01", "00"]
    assert table["channel"].tolist() == [0, 1]
    assert table["attributes"].tolist() == [{"load": "high"}, {}]


def test_tables_are_a_few_recordings_at_a_time(folder):
    """All of them together must be the whole table."""
    inputs = Inputs([folder / "fan", folder / "clips.csv"])
    tables = list(inputs.tables(size=2))
    assert [len(table) for table in tables] == [2, 2, 2, 1]
    assert len(inputs) == 7
    whole = inputs.table()
    assert whole["clip_id"].is_unique
    pd.testing.assert_frame_equal(pd.concat(tables, ignore_index=True), whole)


def test_what_is_named_twice_is_an_error(folder, monkeypatch):
    """Rows of the output must be told apart by their names."""
    monkeypatch.chdir(folder)
    (folder / "more.csv").write_text("path,machine\na.wav,press\n")
    with pytest.raises(InputError, match=r"a\.wav: the recording is named twice"):
        Inputs(["more.csv", "a.wav"])
    assert len(Inputs(["a.wav", "a.wav"])) == 1


def test_a_wrong_manifest_names_its_line(folder):
    (folder / "clips.csv").write_text(MANIFEST + "b.wav,press,,,,,,,\n")
    with pytest.raises(InputError, match=r"clips.csv, line 4: there is no file .*b.wav"):
        Inputs([folder / "clips.csv"])
