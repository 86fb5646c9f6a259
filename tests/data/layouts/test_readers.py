"""The clip table must hold the clips of a data folder, with all that their names state."""

import builtins
import logging
import random
from pathlib import Path

import pandas as pd
import pytest
from data_helpers import touch_files

from asd_tf.data.layouts.readers import read_clips
from asd_tf.errors import InputError, UsageError

NAMES_2020 = [
    "fan/train/normal_id_00_00000000.wav",
    "fan/test/anomaly_id_00_00000000.wav",
    "fan/test/normal_id_02_00000001.flac",
]
NAMES_2022 = [
    "dev_data/fan/train/section_00_source_train_normal_0000_spd_1.wav",
    "dev_data/fan/train/section_00_target_train_normal_0000_spd_2.WAV",
    "dev_data/fan/test/section_00_target_test_anomaly_0003_spd_2.wav",
    "dev_data/valve/test/section_01_source_test_normal_0001_spd_1.ogg",
    "eval_data/fan/train/section_03_source_train_normal_0000_spd_1.wav",
    "eval_data/fan/test/section_03_0000.wav",
    "eval_data/fan/test/section_03_test_0001.wav",
]


def tree(root: Path, names: list[str], seed: int = 0) -> Path:
    """Makes empty files in a random order."""
    return touch_files(root, random.Random(seed).sample(names, len(names)))


def test_dev_and_eval_are_read_together(tmp_path):
    clips, layout = read_clips(tree(tmp_path, NAMES_2022))
    assert layout == "dcase2022"
    assert list(clips["clip_id"]) == sorted(NAMES_2022)
    by_id = clips.set_index("clip_id")
    anomaly = by_id.loc[NAMES_2022[2]]
    assert (anomaly["domain"], anomaly["label"], anomaly["split"]) == ("target", 1, "test")
    assert (anomaly["machine"], anomaly["section"], anomaly["subset"]) == ("fan", "00", "dev")
    assert anomaly["attributes"] == {"spd": "2"}
    for name in NAMES_2022[5:]:
        unknown = by_id.loc[name]
        assert unknown[["label", "domain"]].isna().all()
        assert (unknown["section"], unknown["subset"]) == ("03", "eval")
    assert by_id.loc[NAMES_2022[4], "subset"] == "eval"


def test_2020_is_all_source(tmp_path):
    clips, layout = read_clips(tree(tmp_path / "eval_data", NAMES_2020))
    assert layout == "dcase2020"
    assert set(clips["domain"]) == {"source"}
    assert set(clips["subset"]) == {"eval"}
    assert sorted(clips["label"]) == [0, 0, 1]


@pytest.mark.parametrize(("folder", "count"), [("dev", 4), ("eval", 3)])
def test_a_subset_alone_can_be_the_data_folder(tmp_path, folder, count):
    """The data folder may be dev_data itself as well as the folder above it."""
    clips, _ = read_clips(tree(tmp_path, NAMES_2022) / f"{folder}_data")
    assert (len(clips), set(clips["subset"])) == (count, {folder})
    assert set(clips["machine"]) <= {"fan", "valve"}


def test_the_table_does_not_depend_on_the_order_of_the_disk(tmp_path):
    """The order in which a file system lists files must not matter, unlike in published scripts."""
    first, _ = read_clips(tree(tmp_path / "a", NAMES_2022, seed=1))
    second, _ = read_clips(tree(tmp_path / "b", NAMES_2022, seed=2))
    assert first.drop(columns="path").equals(second.drop(columns="path"))


def test_no_file_is_opened(tmp_path, monkeypatch):
    """Listing 42,000 clips on a network disk must not open them."""
    count = 3000
    for machine in ("fan", "valve"):
        folder = tmp_path / machine / "train"
        folder.mkdir(parents=True)
        for index in range(count // 2):
            name = f"section_00_source_train_normal_{index:04d}_vel_6.wav"
            (folder / name).symlink_to(tmp_path / "nowhere")
    opened = builtins.open

    def no_audio(file, *args, **kwargs):
        assert not str(file).lower().endswith(".wav"), f"{file} was opened"
        return opened(file, *args, **kwargs)

    for name in ("builtins.open", "io.open", "os.open"):
        monkeypatch.setattr(name, no_audio)
    assert len(read_clips(tmp_path)[0]) == count


def test_no_such_folder(tmp_path):
    with pytest.raises(InputError, match="nowhere: there is no such folder"):
        read_clips(tmp_path / "nowhere")


def test_a_folder_without_clips_is_an_error_that_names_what_was_looked_for(tmp_path):
    tree(tmp_path, ["fan/section_00_0000.wav", "fan/train/notes.txt"])
    with pytest.raises(InputError, match=r"no clip is there; looked for <machine>/train/\*\.wav"):
        read_clips(tmp_path)


def test_names_that_do_not_fit_the_dataset_are_shown(tmp_path):
    names = [f"fan/train/day {i}.wav" for i in range(5)]
    with pytest.raises(InputError) as raised:
        read_clips(tree(tmp_path, names), "dcase2022")
    message = str(raised.value)
    assert "fan/train/day 0.wav, fan/train/day 1.wav, fan/train/day 2.wav and 2 more" in message
    assert "normal_id_00_00000000.wav" in message
    assert "section_00_source_train_normal_0000" in message
    assert "--dataset=folder takes any name" in message
    assert "\n" not in message


def test_two_layouts_need_a_choice(tmp_path, caplog):
    tree(tmp_path, NAMES_2020 + NAMES_2022)
    with pytest.raises(InputError, match="choose one with --dataset") as raised:
        read_clips(tmp_path)
    assert str(raised.value).startswith(str(tmp_path))
    with caplog.at_level(logging.WARNING, "asd_tf"):
        clips, layout = read_clips(tmp_path, "dcase2020")
    assert (len(clips), layout) == (len(NAMES_2020), "dcase2020")
    assert f"{len(NAMES_2022)} files are not named as in dcase2020" in caplog.text
    assert len(read_clips(tmp_path, "dcase2023")[0]) == len(NAMES_2022)


def test_foreign_files_are_left_out_with_a_warning(tmp_path, caplog):
    tree(tmp_path, [*NAMES_2022, "dev_data/fan/train/monday.wav"])
    with caplog.at_level(logging.WARNING, "asd_tf"):
        clips, _ = read_clips(tmp_path)
    assert len(clips) == len(NAMES_2022)
    assert "monday.wav" in caplog.text


def test_an_unknown_dataset_has_a_neighbor(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'dcase2022'"):
        read_clips(tree(tmp_path, NAMES_2022), "dcase_2022")


def test_the_dataset_can_be_chosen(tmp_path):
    """The choice must win over detection: a part of an edition may look like another one."""
    tree(tmp_path, NAMES_2022)
    assert read_clips(tmp_path)[1] == "dcase2022"
    clips, dataset = read_clips(tmp_path, "dcase2024")
    assert (dataset, len(clips)) == ("dcase2024", len(NAMES_2022))


@pytest.mark.parametrize(
    ("root", "below", "subset"),
    [
        ("data", "dev_data/fan/train", "dev"),
        ("data", "eval_data/fan/train", "eval"),
        ("data", "fan/train", "dev"),
        ("eval_data", "fan/test", "eval"),
        ("evaluation", "raw/eval_data/fan/test", "eval"),
        ("eval_2022", "dev_data/fan/test", "dev"),
        ("developers", "eval_data/fan/test", "eval"),
        ("data", "evaporator/test", "dev"),
    ],
)
def test_the_innermost_folder_decides_the_subset(tmp_path, root, below, subset):
    """A parent folder that happens to be called eval... must not make dev clips eval clips."""
    tree(tmp_path / root, [f"{below}/section_00_0000.wav"])
    assert read_clips(tmp_path / root)[0]["subset"].tolist() == [subset]


@pytest.mark.parametrize(
    ("file", "subset"),
    [
        ("fan/test/id_05_00000000.wav", "eval"),
        ("fan/test/normal_id_00_00000000.wav", "dev"),
        ("ToyCar/test/id_05_00000000.wav", "eval"),
        ("ToyCar/test/section_02_0000.wav", "dev"),
        ("ToyCar/test/section_03_0000.wav", "eval"),
        ("ToyTank/train/section_00_source_train_normal_0000_.wav", "eval"),
    ],
)
def test_machine_and_section_decide_the_subset_where_no_folder_does(tmp_path, file, subset):
    """The archives of both subsets may be unpacked into the same folder."""
    dataset = "dcase2020" if "id_" in file else "dcase2022" if "ToyCar" in file else "dcase2023"
    clips, _ = read_clips(tree(tmp_path, [file]), dataset)
    assert clips["subset"].tolist() == [subset]


def test_the_folder_itself_may_be_the_current_one(tmp_path, monkeypatch):
    tree(tmp_path / "eval_data", ["fan/test/section_00_0000.wav"])
    monkeypatch.chdir(tmp_path / "eval_data")
    clips, _ = read_clips(".")
    assert (clips["subset"][0], clips["clip_id"][0]) == ("eval", "fan/test/section_00_0000.wav")
    assert clips["path"][0] == str(tmp_path / "eval_data/fan/test/section_00_0000.wav")


def test_a_table_adds_attributes_that_the_name_does_not_state(tmp_path):
    files = [
        "eval_data/raw/fan/train/section_00_source_train_normal_0001_noAttribute.wav",
        "eval_data/raw/fan/train/section_00_source_train_normal_0002_vel_9.wav",
        "eval_data/raw/fan/test/section_00_0001.wav",
    ]
    tree(tmp_path, files)
    (tmp_path / "eval_data" / "raw" / "fan" / "attributes_00.csv").write_text(
        "file_name,d1p,d1v\n"
        + "".join(f"fan/{'/'.join(file.split('/')[-2:])},vel,6\n" for file in files[:2])
    )
    clips, dataset = read_clips(tmp_path)
    attributes = dict(zip(clips["clip_id"], clips["attributes"], strict=True))
    assert [attributes[file] for file in files] == [{"vel": "6"}, {"vel": "9"}, {}]
    assert dataset == "dcase2024"


@pytest.mark.parametrize(
    ("names", "channel", "expected"),
    [
        (["fanEmu/train/section_00_source_train_normal_0000_.wav"], None, 0),
        (["fanEmu/train/section_00_source_train_normal_0000_.wav"], "far", 1),
        (["fanEmu/train/section_00_source_train_normal_0000_.wav"], "mean", None),
        (NAMES_2022, None, None),
        (NAMES_2022, "3", 3),
        (["press/train/monday.wav"], "near", 0),
    ],
)
def test_the_channel_that_is_used(tmp_path, names, channel, expected):
    clips, _ = read_clips(tree(tmp_path, names), channel=channel)
    assert {None if pd.isna(value) else value for value in clips["channel"]} == {expected}
