"""Evaluation clips must get the official labels by name, or an error that names the rows."""

import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from asd_tf.data.clips import check_clips
from asd_tf.data.layouts.ground_truth import read_ground_truth
from asd_tf.errors import InputError, UsageError

GOLDEN = Path(__file__).parents[2] / "golden" / "official_labels.csv"


def clips_of(*paths: str, domain=None) -> pd.DataFrame:
    """Returns a clip table of `machine/file` names, and a clip of each other split and subset."""
    rows = [(path, "eval", "test") for path in paths]
    rows += [("fan/section_00_a.wav", "dev", "test"), ("fan/section_03_b.wav", "eval", "train")]
    return check_clips(
        pd.DataFrame(
            {
                "clip_id": f"{subset}/{split}/{path}",
                "path": f"/data/{subset}_data/{Path(path).parent}/{split}/{Path(path).name}",
                "machine": str(Path(path).parent),
                "section": Path(path).name.removeprefix("section_").removeprefix("id_")[:2],
                "domain": domain,
                "split": split,
                "subset": subset,
            }
            for path, subset, split in rows
        )
    )


def write(folder: Path, name: str, *rows: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(row + "\n" for row in rows))
    return path


def as_dict(truth: pd.DataFrame) -> dict:
    rows = zip(truth["clip_id"], truth["label"], truth["domain"], strict=True)
    return {clip.removeprefix("eval/test/"): (label, domain) for clip, label, domain in rows}


def official(year: int) -> pd.DataFrame:
    frame = pd.read_csv(GOLDEN, dtype={"section": "str"})
    return frame[frame["year"] == year]


def write_official(folder: Path, year: int) -> Path:
    """Writes the lists of an official evaluator, in the layout of its year."""
    for (machine, section), rows in official(year).groupby(["machine", "section"]):
        if year == 2021:
            for domain, part in rows.groupby("domain"):
                name = f"ground_truth_{machine}_section_{section}_{domain}_test.csv"
                lines = part["file"] + "," + part["label"].astype(str)
                write(folder / "ground_truth_data", name, *lines)
            continue
        name = f"ground_truth_{machine}_section_{section}_test.csv"
        domains = (rows["domain"] == "target").astype(int).astype(str)
        write(folder / "ground_truth_data", name, *(rows["file"] + "," + rows["label"].astype(str)))
        write(folder / "ground_truth_domain", name, *(rows["file"] + "," + domains))
        write(folder / "ground_truth_attributes", name, *(rows["file"] + ",section_03_source_x"))
    return folder


def official_clips(year: int) -> pd.DataFrame:
    rows = official(year).sample(frac=1, random_state=0)
    return clips_of(*(rows["machine"] + "/" + rows["file"]))


@pytest.mark.parametrize("year", [2021, 2022])
def test_official_lists_label_every_clip_in_any_order(tmp_path, year):
    clips = official_clips(year)
    truth = read_ground_truth(write_official(tmp_path, year), clips, f"dcase{year}")
    assert truth["label"].dtype == "Int64"
    assert list(truth["clip_id"]) == [clip for clip in clips["clip_id"] if "eval/test" in clip]
    expected = {
        f"{row.machine}/{row.file}": (row.label, row.domain)
        for row in official(year).itertuples(index=False)
    }
    assert as_dict(truth) == expected


def test_a_zip_as_github_makes_it(tmp_path):
    """It must be read though it is nested, with other files and those that macOS adds."""
    write_official(tmp_path / "evaluator", 2022)
    write(
        tmp_path / "evaluator", "teams_result/baseline_result.csv", "fan", "section,AUC", "00,0.5"
    )
    write(tmp_path / "evaluator", "README.md", "# evaluator")
    folder = tmp_path / "downloaded"
    folder.mkdir()
    with zipfile.ZipFile(folder / "evaluator.zip", "w") as file:
        for path in (tmp_path / "evaluator").rglob("*.*"):
            name = path.relative_to(tmp_path / "evaluator").as_posix()
            file.write(path, f"evaluator-main/{name}")
            file.writestr(f"__MACOSX/evaluator-main/{name}", b"\xff\x00")
    clips = official_clips(2022)
    expected = read_ground_truth(tmp_path / "evaluator", clips, "dcase2022")
    for path in (folder / "evaluator.zip", folder):
        assert read_ground_truth(path, clips, "dcase2022").equals(expected)


@pytest.mark.parametrize("kind", ["ground_truth_data", "ground_truth_domain"])
def test_a_list_that_is_not_the_official_one_is_named(tmp_path, kind):
    """Other labels must be an error: a widespread list of 2022 is wrong for half of ToyCar."""
    folder = write_official(tmp_path, 2022)
    path = folder / kind / "ground_truth_ToyCar_section_03_test.csv"
    text = path.read_text()
    assert "section_03_0007.wav,1" in text
    path.write_text(text.replace("section_03_0007.wav,1", "section_03_0007.wav,0"))
    clips = official_clips(2022)
    with pytest.raises(InputError, match=r"labels of ToyCar 03 are not.*Kota-Dohi") as stopped:
        read_ground_truth(folder, clips, "dcase2022")
    assert "fan" not in str(stopped.value)
    truth = read_ground_truth(folder, clips, "dcase2022", check_digests=False)
    found = as_dict(truth)["ToyCar/section_03_0007.wav"]
    assert found == ((0, "target") if kind == "ground_truth_data" else (1, "source"))


def test_the_list_of_2020(tmp_path):
    path = write(
        tmp_path, "eval_data_list.csv",
        "fan", "id_05_00000000.wav,anomaly_id_05_00000004.wav,1",
        "id_05_00000001.wav,normal_id_05_00000009.wav,0",
        "pump", "id_05_00000000.wav,normal_id_05_00000000.wav,0",
    )  # fmt: skip
    names = ("pump/id_05_00000000.wav", "fan/id_05_00000001.wav", "fan/id_05_00000000.wav")
    expected = {names[0]: (0, "source"), names[1]: (0, "source"), names[2]: (1, "source")}
    for place in (path, tmp_path):
        clips = clips_of(*names, domain="source")
        assert as_dict(read_ground_truth(place, clips, "dcase2020")) == expected


def test_lists_with_labeled_names_of_later_years(tmp_path):
    """The word test must not matter: RoboticArm of 2024 lacks it, in lists or in clips."""
    write(
        tmp_path, "eval_data_list_2025.csv",
        "AutoTrash", "section_00_0000.wav,section_00_target_test_anomaly_0012_id_C1.wav",
        "section_00_0001.wav,section_00_source_test_normal_0001_.wav",
        "RoboticArm", "section_00_0000.wav,section_00_source_normal_0035_weight15_BckgF.wav",
        "section_00_0001.wav,section_00_target_anomaly_0035_weight15_BckgF.wav",
    )  # fmt: skip
    write(tmp_path, "eval_data_list_2021.csv", "AutoTrash", "not a list of this year,x,y")
    names = (
        "AutoTrash/section_00_0000.wav", "AutoTrash/section_00_0001.wav",
        "RoboticArm/section_00_test_0001.wav", "RoboticArm/section_00_test_0000.flac",
    )  # fmt: skip
    assert as_dict(read_ground_truth(tmp_path, clips_of(*names), "dcase2025")) == {
        names[0]: (1, "target"),
        names[1]: (0, "source"),
        names[2]: (1, "target"),
        names[3]: (0, "source"),
    }


@pytest.fixture
def lists(tmp_path):
    """Lists of 2026, whose digests are not known, of two machines with two clips each."""
    for machine in ("Sander", "ToyDrone"):
        for kind, values in (("data", "10"), ("domain", "01")):
            write(
                tmp_path / f"ground_truth_{kind}", f"ground_truth_{machine}_section_00_test.csv",
                f"section_00_0000.wav,{values[0]}", f"section_00_0001.wav,{values[1]}",
            )  # fmt: skip
    return tmp_path


SANDER = ("Sander/section_00_0000.wav", "Sander/section_00_0001.wav")


def test_machines_without_clips_are_left_out(lists):
    """One machine alone can be evaluated."""
    truth = read_ground_truth(lists, clips_of(*SANDER), "dcase2026")
    assert as_dict(truth) == {SANDER[0]: (1, "source"), SANDER[1]: (0, "target")}


def fails(lists, names, message, dataset="dcase2026"):
    with pytest.raises(InputError, match=message) as stopped:
        read_ground_truth(lists, clips_of(*names), dataset)
    assert "\n" not in str(stopped.value)


def test_missing_rows_are_named(lists):
    names = [*SANDER, *(f"Sander/section_00_{i:04d}.wav" for i in range(2, 7))]
    fails(
        lists, names,
        r"no label for eval/test/Sander/section_00_0002.wav, .*0003.wav, .*0004.wav and 2 more",
    )  # fmt: skip


def test_foreign_rows_are_named(lists):
    fails(lists, SANDER[:1], r"clips that are not there: Sander/section_00_0001.wav;")


def test_double_rows_are_named_with_their_files(lists):
    shutil.copytree(lists / "ground_truth_data", lists / "copy" / "ground_truth_data")
    fails(lists, SANDER, r"Sander/section_00_0000.wav, .* occur twice, in .*copy/.*, .*leave one")


def test_double_clips_are_named(lists):
    fails(lists, [*SANDER, "Sander/section_00_test_0000.wav"], r"several clips: .*_test_0000.wav")


def test_missing_domains_are_named(lists):
    shutil.rmtree(lists / "ground_truth_domain")
    fails(lists, SANDER, "no domain of Sander/section_00_0000.wav, .*whole evaluator")


@pytest.mark.parametrize("row", ["section_00_0000.wav,2", "section_00_0000.wav", "a,b,c", ","])
def test_a_malformed_row_is_named(lists, row):
    path = lists / "ground_truth_data" / "ground_truth_Sander_section_00_test.csv"
    path.write_text(row + "\n")
    fails(lists, SANDER, f"ground_truth_Sander_section_00_test.csv: '{row}' is not")


@pytest.mark.parametrize("row", ["section_00_0000.wav,section_00_0000.wav", "a,b,2", "a,b,c,d"])
def test_a_malformed_row_of_a_list_is_named(tmp_path, row):
    path = write(tmp_path, "eval_data_list.csv", "Sander", row)
    fails(path, SANDER, f"'{row}' states no label")


def test_a_path_without_labels_is_an_error_of_one_line(tmp_path, lists):
    (tmp_path / "empty").mkdir()
    fails(tmp_path / "empty", SANDER, "holds no labels; it must be")
    fails(tmp_path / "nowhere", SANDER, "no such file or folder")
    fails(write(tmp_path, "other.csv", "clip,score", "a,1"), SANDER, "not with a machine")
    fails(lists, (), "no evaluation test clip")
    with pytest.raises(UsageError, match="unknown edition 'folder'"):
        read_ground_truth(lists, clips_of(*SANDER), "folder")
