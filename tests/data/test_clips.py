"""The clip table must be complete, checked, and the same when it is read again."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.data.clips import DTYPES, check_clips, clips_digest, load_clips, write_clips
from asd_tf.errors import InputError


def table(**columns) -> pd.DataFrame:
    frame = {
        "clip_id": ["b.wav", "a.wav"],
        "path": ["/data/b.wav", "/data/a.wav"],
        "machine": ["fan", "NA"],
        "section": ["00", None],
        "split": ["train", "test"],
    }
    return pd.DataFrame(frame | columns)


def full_table() -> pd.DataFrame:
    return check_clips(
        table(
            start_s=[0.0, 1 / 3],
            duration_s=[np.nan, 2.5],
            channel=[pd.NA, 1],
            domain=["source", None],
            label=[0, pd.NA],
            subset=["dev", "eval"],
            attributes=[{"vel": "6", "amp": "NA", "note": "ü,\"'"}, {}],
        )
    )


def test_a_short_table_is_completed():
    """Columns that a reader leaves out must be added with their defaults."""
    clips = check_clips(table().iloc[::-1])
    assert list(clips) == list(DTYPES)
    assert list(clips.index) == [0, 1]
    assert list(clips["clip_id"]) == ["a.wav", "b.wav"]
    assert (clips["start_s"] == 0).all()
    assert clips[["duration_s", "channel", "domain", "label"]].isna().all(axis=None)
    assert (clips["subset"] == "dev").all()
    assert list(clips["attributes"]) == [{}, {}]


def test_a_written_table_is_read_unchanged(tmp_path):
    """Sections must keep their zeros, a machine called NA its name, and missing values stay."""
    clips = full_table()
    write_clips(tmp_path / "clips.csv", clips)
    loaded = load_clips(tmp_path / "clips.csv")
    pd.testing.assert_frame_equal(loaded, clips)
    assert clips_digest(loaded) == clips_digest(clips)


def test_the_order_of_attributes_survives(tmp_path):
    clips = check_clips(table(attributes=[{"z": "1", "a": "2"}, {}]))
    write_clips(tmp_path / "clips.csv", clips)
    assert list(load_clips(tmp_path / "clips.csv")["attributes"][0]) == ["z", "a"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"clip_id": ["a.wav", "a.wav"]}, "a.wav: the clip occurs twice"),
        ({"clip_id": ["a.wav", None]}, "row 1 of the clip table has no clip_id"),
        ({"path": [None, "/b"]}, "row 0 of the clip table has no path"),
        ({"split": ["train", "training"]}, "a.wav: split 'training' is not one of train, test"),
        ({"domain": ["Source", None]}, "b.wav: domain 'Source' is not one of source, target"),
        ({"label": [2, 0]}, "b.wav: label '2' is not one of 0, 1"),
        ({"label": [0.5, 0]}, "a wrong type"),
        ({"start_s": ["now", 0]}, "a wrong type"),
        ({"start_s": [0, -1]}, "a.wav: start_s cannot be -1"),
        ({"start_s": [np.nan, 0]}, "b.wav: start_s cannot be"),
        ({"duration_s": [1, 0]}, "a.wav: duration_s cannot be"),
        ({"channel": [-1, 0]}, "b.wav: channel cannot be -1"),
        ({"attributes": [["vel", 6], {}]}, "b.wav: attributes cannot be"),
    ],
)
def test_wrong_values_are_named(columns, message):
    with pytest.raises(InputError, match=message) as raised:
        check_clips(table(**columns))
    assert "\n" not in str(raised.value)


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="no column machine"):
        check_clips(table().drop(columns="machine"))


def test_the_digest_sees_everything_but_paths():
    """Moved data must resume a run, changed data must not."""
    clips = full_table()
    assert clips_digest(clips.assign(path=["/x", "/y"])) == clips_digest(clips)
    changes = {
        "clip_id": ["b.wav", "c.wav"],
        "start_s": [0.0, 0.3],
        "channel": pd.array([0, 1], "Int64"),
        "label": pd.array([1, pd.NA], "Int64"),
        "domain": ["target", None],
        "attributes": [{"vel": "7", "amp": "NA"}, {}],
    }
    digests = {clips_digest(clips.assign(**{name: value})) for name, value in changes.items()}
    assert len(digests | {clips_digest(clips)}) == len(changes) + 1


@pytest.mark.parametrize("text", ["", "clip_id,path\na,b\n", "nothing", '"'])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "clips.csv").write_text(text)
    with pytest.raises(InputError, match=r"clips\.csv: the clip table is damaged"):
        load_clips(tmp_path / "clips.csv")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"clips\.csv: the clip table is missing"):
        load_clips(tmp_path / "clips.csv")
