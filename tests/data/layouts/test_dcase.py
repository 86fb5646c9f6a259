"""The file names of each year of DCASE must be read right."""

from pathlib import Path

import pytest

from asd_tf.data.layouts.dcase import ID, SECTION, identify, parse, parse_attributes


def name(below: str):
    return parse(Path("/data", below))


@pytest.mark.parametrize(
    ("below", "section", "label", "split"),
    [
        ("fan/train/normal_id_00_00000000.wav", "00", 0, "train"),
        ("ToyCar/test/anomaly_id_04_00000263.flac", "04", 1, "test"),
        ("fan/test/id_05_00000000.WAV", "05", None, "test"),
    ],
)
def test_names_of_2020(below, section, label, split):
    clip = name(below)
    assert clip.naming == ID
    assert (clip.section, clip.split, clip.domain, clip.label) == (section, split, "source", label)
    assert clip.machine == below.split("/")[0]
    assert clip.attribute_values() == {}


@pytest.mark.parametrize(
    ("below", "section", "domain", "label", "split"),
    [
        (
            "train/section_00_target_train_normal_0002_strength_1_ambient.wav",
            *("00", "target", 0, "train"),
        ),
        ("source_test/section_01_source_test_anomaly_0000.wav", "01", "source", 1, "test"),
        ("target_test/section_01_target_test_normal_0007.wav", "01", "target", 0, "test"),
        ("source_test/section_03_source_test_0000.wav", "03", "source", None, "test"),
        ("target_test/section_03_0000.wav", "03", "target", None, "test"),
    ],
)
def test_names_of_2021(below, section, domain, label, split):
    """In 2021 the folder, too, must give the domain of an evaluation clip, but never its label."""
    clip = name(f"raw/fan/{below}")
    assert (clip.section, clip.domain, clip.label, clip.split) == (section, domain, label, split)
    assert (clip.machine, clip.naming) == ("fan", SECTION)


@pytest.mark.parametrize(
    ("file", "section", "domain", "label", "attributes"),
    [
        ("section_00_source_train_normal_0000_vel_6.wav", "00", "source", 0, {"vel": "6"}),
        (
            "section_02_target_test_anomaly_0003_car_A2_spd_28V_mic_1.wav",
            *("02", "target", 1, {"car": "A2", "spd": "28V", "mic": "1"}),
        ),
        ("section_00_source_train_normal_0000_spd_1.5.ogg", "00", "source", 0, {"spd": "1.5"}),
        ("section_01_source_test_normal_0100.wav", "01", "source", 0, {}),
        ("section_00_source_train_normal_0001_.wav", "00", "source", 0, {}),
        ("section_00_source_train_normal_0001_noAttribute.wav", "00", "source", 0, {}),
        ("section_00_source_normal_0001_noAttribute.wav", "00", "source", 0, {}),
        ("section_03_0000.wav", "03", None, None, {}),
        ("section_03_test_0000.wav", "03", None, None, {}),
    ],
)
def test_names_of_2022_and_later(file, section, domain, label, attributes):
    """What a name does not state must stay missing; RoboticArm of 2024 lacks the word test."""
    clip = name(f"dev_data/bearing/test/{file}")
    assert (clip.machine, clip.section, clip.domain) == ("bearing", section, domain)
    assert (clip.label, clip.split) == (label, "test")
    assert clip.attribute_values() == attributes
    assert list(clip.attribute_values()) == list(attributes)


@pytest.mark.parametrize(
    ("file", "attributes"),
    [
        ("section_00_machine_0001_.wav", {"supplemental": "machine"}),
        ("section_00_noise_0100_.wav", {"supplemental": "noise"}),
        ("section_00_noise_0001_loc_B.wav", {"supplemental": "noise", "loc": "B"}),
    ],
)
def test_supplemental_clips_of_2025(file, attributes):
    """Clean machines and noise must not count as normal recordings."""
    clip = name(f"ToyPet/supplemental/{file}")
    assert (clip.split, clip.label, clip.domain) == ("supplemental", None, None)
    assert clip.attribute_values() == attributes


@pytest.mark.parametrize(
    "file",
    [
        "monday.wav",
        "section_00.wav",
        "section_00_source_train_strange_0000.wav",
        "section_00_middle_train_normal_0000.wav",
        "id_00.wav",
        "abnormal_id_00_00000000.wav",
        "my_section_00_source_train_normal_0000.wav",
    ],
)
def test_other_names_are_not_taken_for_clips(file):
    assert name(f"fan/train/{file}") is None


@pytest.mark.parametrize("folder", ["", "fan/", "fan/train/normal/", "fan/sounds/"])
def test_other_folders_hold_no_clips(folder):
    assert name(f"{folder}section_00_0000.wav") is None


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        (None, {}),
        ("", {}),
        ("noAttribute", {}),
        ("a_1_b_2", {"a": "1", "b": "2"}),
        ("a_1_b", {"attributes": "a_1_b"}),
        ("a_1_a_2", {"attributes": "a_1_a_2"}),
        ("f-n_A_m-n_W", {"f-n": "A", "m-n": "W"}),
    ],
)
def test_no_attribute_is_lost(text, attributes):
    assert parse_attributes(text) == attributes


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/d/dev_data/fan/test/section_01_0003.wav", ("fan", "01", None)),
        ("/d/fan/source_test/section_01_source_test_normal_0003.wav", ("fan", "01", "source")),
        ("/d/pump/train/normal_id_06_00000000.wav", ("pump", "06", "source")),
        ("/d/fan/target_test/section_03_0000.wav", ("fan", "03", "target")),
        ("/d/ToyPet/supplemental/section_00_noise_0003_.wav", ("ToyPet", "00", None)),
        ("/d/fan/test/monday.wav", ("fan", None, None)),
        ("/line1/press/test/abnormal/belt/monday.wav", ("press", None, None)),
        ("/d/fan/section_01_0003.wav", (None, "01", None)),
        ("/d/monday.wav", (None, None, None)),
        ("/test/monday.wav", (None, None, None)),
    ],
)
def test_identify(path, expected):
    """A new file must get the machine and section by which it is scored."""
    assert identify(Path(path)) == expected
