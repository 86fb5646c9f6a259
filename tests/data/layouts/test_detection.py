"""The edition of a data folder must be detected by its names."""

from pathlib import Path

import pytest

from asd_tf.data.layouts.dcase import parse
from asd_tf.data.layouts.detection import detect_edition
from asd_tf.errors import InputError

STATED = "section_00_source_train_normal_0000_vel_6.wav"


def detected(*files: str, **kwargs) -> str:
    return detect_edition({file: parse(Path("/data", file)) for file in files}, **kwargs)


@pytest.mark.parametrize(
    ("files", "dataset"),
    [
        (["pump/train/normal_id_00_00000000.wav"], "dcase2020"),
        (["fan/source_test/section_00_source_test_normal_0000.wav"], "dcase2021"),
        (["pump/train/section_03_source_train_normal_0000_vel_1.wav"], "dcase2021"),
        (
            ["pump/train/section_03_source_train_normal_0000_vel_1.wav", f"fan/test/{STATED}"],
            "dcase2022",
        ),
        (["fan/train/section_01_source_train_normal_0000_vel_6.wav"], "dcase2022"),
        (["fan/test/section_04_0000.wav"], "dcase2022"),
        ([f"fan/train/{STATED}"], "dcase2023"),
        (["ToyTank/test/section_00_0000.wav"], "dcase2023"),
        (["fan/train/section_00_source_train_normal_0001_vel_6.wav"], "dcase2024"),
        (["fan/train/section_00_source_train_normal_0000_noAttribute.wav"], "dcase2024"),
        (["Scanner/train/section_00_source_train_normal_0007_.wav"], "dcase2025"),
        (["Scanner/test/section_00_0009.wav"], "dcase2024"),
        (["fan/train/section_00_source_train_normal_0000_.wav"], "dcase2025"),
        ([f"fan/train/{STATED}", "fan/supplemental/section_00_noise_0001_.wav"], "dcase2025"),
        (["ToyPet/test/section_00_0000.wav"], "dcase2025"),
        (["gearboxEmu/train/section_00_source_train_normal_0000_.wav"], "dcase2026"),
        (["Sander/test/section_00_0001.wav"], "dcase2026"),
    ],
)
def test_each_edition_has_its_marks(files, dataset):
    assert detected(*files) == dataset


def test_a_machine_of_two_editions_decides_nothing():
    """ToothBrush is of 2024 and of 2026, so other marks must decide."""
    assert detected("ToothBrush/test/section_00_0000.wav") == "dcase2023"
    assert detected("ToothBrush/test/section_00_0001.wav") == "dcase2024"
    both = ("ToothBrush/test/section_00_0000.wav", "SewingMachine/test/section_00_0000.wav")
    assert detected(*both) == "dcase2026"


def test_some_clips_of_2023_may_begin_late():
    """If one group of clips is numbered from 0000, all are, and others lack their first."""
    late = "section_00_target_train_normal_0001_vel_6.wav"
    assert detected(f"fan/train/{STATED}", f"fan/train/{late}") == "dcase2023"


def test_simulated_machines_are_of_2022():
    assert detected(f"fan/train/{STATED}", simulated=True) == "dcase2022"


def test_two_kinds_of_names_need_a_choice():
    with pytest.raises(InputError, match="choose one with --dataset") as raised:
        detected("pump/train/normal_id_00_00000000.wav", f"fan/train/{STATED}")
    assert "normal_id_00_00000000.wav (dcase2020)" in str(raised.value)
    assert f"{STATED} (dcase2021 to dcase2026)" in str(raised.value)
