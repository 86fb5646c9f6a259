"""Files and folders that are named one by one must become clips, none lost silently."""

import os

import pytest
from data_helpers import touch_files

from asd_tf.data.layouts.files import clips_of_files
from asd_tf.errors import InputError


def test_folders_are_searched_and_links_followed(tmp_path):
    touch_files(tmp_path, ["a/fan/test/section_01_0000.wav", "b/z.FLAC", "b/notes.txt"])
    (tmp_path / "a" / "linked").symlink_to(tmp_path / "b")
    clips = clips_of_files([tmp_path / "a", tmp_path / "b" / "notes.txt"], channel=1)
    names = ["a/fan/test/section_01_0000.wav", "a/linked/z.FLAC", "b/notes.txt"]
    assert list(clips["clip_id"]) == [(tmp_path / name).as_posix() for name in names]
    assert (clips["machine"][0], clips["section"][0]) == ("fan", "01")
    assert clips["machine"].isna().tolist() == [False, True, True]
    assert set(clips["channel"]) == {1}


def test_a_relative_path_stays_as_given(tmp_path, monkeypatch):
    touch_files(tmp_path, ["day/a.wav"])
    monkeypatch.chdir(tmp_path)
    for path in ("day", "day/a.wav"):
        clips = clips_of_files([path])
        assert list(clips["clip_id"]) == ["day/a.wav"]
        assert list(clips["path"]) == [str(tmp_path / "day" / "a.wav")]


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path, monkeypatch):
    touch_files(tmp_path, ["fan/a.wav"])

    def scandir(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match="cannot be listed: Permission denied"):
        clips_of_files([tmp_path])


def test_a_path_without_audio_is_an_error(tmp_path):
    touch_files(tmp_path, ["notes.txt"])
    with pytest.raises(InputError, match="no audio file there"):
        clips_of_files([tmp_path])
    with pytest.raises(InputError, match="no such file or folder"):
        clips_of_files([tmp_path / "nowhere"])


def test_a_path_that_has_gone_is_a_clip_among_others(tmp_path):
    """It must get a row and a reason, and leave the others alone."""
    touch_files(tmp_path, ["a.wav"])
    clips = clips_of_files([tmp_path / "gone.wav", tmp_path])
    assert list(clips["path"]) == [str(tmp_path / "gone.wav"), str(tmp_path / "a.wav")]
