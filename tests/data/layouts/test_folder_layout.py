"""Recordings of one's own must get machine, split and label of their folders."""

from pathlib import Path

import pandas as pd
import pytest
from data_helpers import touch_files

from asd_tf.data.layouts.readers import read_clips
from asd_tf.errors import InputError


def read(root: Path, *names: str, **kwargs) -> pd.DataFrame:
    clips, dataset = read_clips(touch_files(root, names), **kwargs)
    assert dataset == "folder"
    return clips.set_index("clip_id")


@pytest.mark.parametrize("dataset", [None, "folder"])
def test_machines_splits_and_labels_come_from_folders(tmp_path, dataset):
    clips = read(
        tmp_path,
        "press/train/monday.wav",
        "press/train/normal/2024/may/1.flac",
        "press/test/normal/2.ogg",
        "press/test/2024/Abnormal/belt/3.wav",
        "press/test/anomaly/4.wav",
        "press/test/anomalous/5.wav",
        "press/test/6.wav",
        "hall/saw/Train/7.wav",
        dataset=dataset,
    )
    labels = {Path(clip_id).stem: label for clip_id, label in clips["label"].items()}
    assert pd.isna(labels.pop("6"))
    assert labels == {"monday": 0, "1": 0, "2": 0, "3": 1, "4": 1, "5": 1, "7": 0}
    assert set(clips["machine"]) == {"press", "saw"}
    assert clips.loc["hall/saw/Train/7.wav", ["machine", "split"]].tolist() == ["saw", "train"]
    assert (clips["split"] == "test").sum() == 5
    assert (set(clips["section"]), set(clips["domain"]), set(clips["subset"])) == (
        {"00"},
        {"source"},
        {"dev"},
    )


def test_machines_of_one_name_are_named_by_their_path(tmp_path):
    """Two machines must stay apart where both folders are called press."""
    clips = read(tmp_path, "line1/press/train/a.wav", "line2/press/train/a.wav", "saw/train/a.wav")
    assert sorted(clips["machine"]) == ["line1/press", "line2/press", "saw"]


def test_the_data_folder_may_be_the_machine(tmp_path):
    clips = read(tmp_path / "press", "train/a.wav", "test/abnormal/b.wav")
    assert set(clips["machine"]) == {"press"}


def test_an_anomaly_in_train_is_an_error(tmp_path):
    """Training clips must all be normal."""
    with pytest.raises(InputError, match=r"abnormal/a\.wav: an anomalous clip in train"):
        read(tmp_path, "press/train/abnormal/a.wav")


def test_contradicting_folders_are_an_error(tmp_path):
    with pytest.raises(InputError, match="both normal and anomalous"):
        read(tmp_path, "press/train/a.wav", "press/test/normal/abnormal/b.wav")


def test_names_of_dcase_can_be_read_as_folders(tmp_path):
    name = "section_01_source_train_normal_0000_vel_6.wav"
    clips = read(tmp_path, f"fan/train/{name}", dataset="folder")
    assert clips["section"].tolist() == ["00"]


def test_files_elsewhere_are_left_out_with_a_warning(tmp_path, caplog):
    clips = read(tmp_path, "press/train/a.wav", "press/unsorted/b.wav", "c.wav")
    assert list(clips.index) == ["press/train/a.wav"]
    assert "2 files are in no folder train or test and are left out: c.wav" in caplog.text
