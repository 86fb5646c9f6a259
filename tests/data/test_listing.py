"""Which files lie below a data folder."""

import os
from pathlib import Path

import pytest

from asd_tf.data.listing import list_files
from asd_tf.errors import InputError


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_audio_and_tables_are_found_at_any_depth(tmp_path):
    for name in ("b/train/x.WAV", "a.flac", "b/c/d/e.ogg", "b/attributes_00.csv", "b/notes.csv"):
        touch(tmp_path / name)
    listing = list_files(tmp_path)
    assert listing.audio == ["a.flac", "b/c/d/e.ogg", "b/train/x.WAV"]
    assert listing.tables == ["b/attributes_00.csv"]
    assert listing.root == tmp_path


def test_linked_folders_are_followed(tmp_path):
    """Data that lie on another disk and are linked in are found; a circle of links ends."""
    touch(tmp_path / "disk" / "fan" / "train" / "a.wav")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dev_data").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "fan" / "all").symlink_to(tmp_path / "data")
    assert list_files(tmp_path / "data").audio == ["dev_data/fan/train/a.wav"]


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path, monkeypatch):
    """Otherwise its clips would be missing without a word."""
    touch(tmp_path / "fan" / "train" / "a.wav")
    touch(tmp_path / "pump" / "train" / "a.wav")
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
