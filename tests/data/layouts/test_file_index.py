"""All files below a data folder must be listed."""

import os

import pytest
from data_helpers import touch_files

from asd_tf.data.layouts.file_index import list_files
from asd_tf.errors import InputError


def test_audio_and_tables_are_found_at_any_depth(tmp_path):
    names = ("b/train/x.WAV", "a.flac", "b/c/d/e.ogg", "b/attributes_00.csv", "b/notes.csv")
    touch_files(tmp_path, names)
    listing = list_files(tmp_path)
    assert listing.audio == ["a.flac", "b/c/d/e.ogg", "b/train/x.WAV"]
    assert listing.tables == ["b/attributes_00.csv"]
    assert listing.root == tmp_path


def test_sound_of_any_kind_is_listed_and_nothing_else(tmp_path):
    """Whether it can be read is found later; what is no sound must be passed over."""
    sounds = ("a.M4A", "b.mp4", "c.mov", "d.amr", "e.wma", "f.opus", "g.aif", "h.caf", "i.mp3")
    touch_files(
        tmp_path, (*sounds, "notes.txt", "table.csv", "plot.png", "README", "m4a", "x.json")
    )
    assert list_files(tmp_path).audio == sorted(sounds)


def test_linked_folders_are_followed(tmp_path):
    """Files of linked folders must be found, and a circle of links must end."""
    touch_files(tmp_path / "disk", ["fan/train/a.wav"])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dev_data").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "fan" / "all").symlink_to(tmp_path / "data")
    assert list_files(tmp_path / "data").audio == ["dev_data/fan/train/a.wav"]


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path, monkeypatch):
    """Its clips must not be left out silently."""
    touch_files(tmp_path, ["fan/train/a.wav", "pump/train/a.wav"])
    listed = os.scandir

    def scandir(path):
        if str(path).endswith("pump"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match="pump: cannot be listed: Permission denied"):
        list_files(tmp_path)


def test_no_such_folder(tmp_path):
    with pytest.raises(InputError, match="nowhere: there is no such folder"):
        list_files(tmp_path / "nowhere")
