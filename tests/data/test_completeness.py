"""A check must name what is missing, surplus or unreadable, and nothing else."""

import shutil

import pandas as pd
import pytest

from asd_tf.data.completeness import check_data, compare_with_official, count_clips
from asd_tf.data.layouts.editions import EDITIONS
from asd_tf.data.layouts.official_counts import official_counts
from asd_tf.errors import UsageError

KINDS = [
    "train_source", "train_target", "train_other", "test_normal", "test_anomalous",
    "test_unlabeled", "supplemental",
]  # fmt: skip


@pytest.fixture
def copy(dataset, tmp_path):
    return shutil.copytree(dataset, tmp_path / "data")


def full_counts(name: str) -> pd.DataFrame:
    """Returns the table of `count_clips` of a whole edition, as far as counts are published."""
    frame = official_counts(EDITIONS[name])
    frame = frame.assign(kind=frame["kind"].replace({"test": "test_unlabeled"}))
    frame["section"] = frame["section"].fillna("01")
    counts = frame.pivot(index=["subset", "machine", "section"], columns="kind", values="clips")
    return counts.reindex(columns=KINDS).fillna(0).astype(int).reset_index()


def test_clips_are_counted_by_kind():
    clips = pd.DataFrame(
        [
            ("dev", "fan", "00", "source", "train", 0),
            ("dev", "fan", "00", None, "train", None),
            ("dev", "fan", "00", "target", "test", 1),
            ("dev", "fan", "01", "target", "train", None),
            ("eval", "fan", "00", None, "test", None),
            ("eval", "fan", "00", None, "test", 0),
            ("eval", "fan", None, None, "supplemental", None),
        ],
        columns=["subset", "machine", "section", "domain", "split", "label"],
    ).astype({"label": "Int64"})
    counts = count_clips(clips).set_index(["subset", "machine", "section"])
    assert list(counts) == KINDS
    assert counts.loc[("dev", "fan", "00")].tolist() == [1, 0, 1, 0, 1, 0, 0]
    assert counts.loc[("dev", "fan", "01")].tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert counts.loc[("eval", "fan", "00")].tolist() == [0, 0, 0, 1, 0, 1, 0]
    assert counts.loc[("eval", "fan", "")].tolist() == [0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("name", EDITIONS)
def test_a_whole_edition_agrees(name):
    compared = compare_with_official(full_counts(name), EDITIONS[name])
    assert len(compared) == len(official_counts(EDITIONS[name]))
    assert (compared["clips"] == compared["official"]).all()


def test_differences_are_found():
    counts = full_counts("dcase2022")
    is_fan = counts["subset"].eq("eval") & counts["machine"].eq("fan") & counts["section"].eq("04")
    counts.loc[is_fan, "test_unlabeled"] = 199
    counts = counts[~(counts["subset"].eq("dev") & counts["machine"].eq("valve"))]
    compared = compare_with_official(counts, EDITIONS["dcase2022"])
    different = compared[compared["clips"] != compared["official"]]
    found = {tuple(row) for row in different.drop(columns="official").itertuples(index=False)}
    assert found == {("eval", "fan", "04", "test", 199)} | {
        ("dev", "valve", section, kind, 0)
        for section in ("00", "01", "02")
        for kind in ("train_source", "train_target", "test_normal", "test_anomalous")
    }
    of_fan = compare_with_official(counts, EDITIONS["dcase2022"], ("dev",), ["fan"])
    assert set(of_fan["machine"]) == {"fan"}
    assert set(of_fan["subset"]) == {"dev"}


def test_2020_is_compared_by_machine():
    """Its evaluation counts are published over all sections together."""
    counts = full_counts("dcase2020")
    is_fan = counts["machine"].eq("fan")
    counts.loc[is_fan, "test_unlabeled"] -= 442
    counts = pd.concat(
        [counts, counts[is_fan].assign(section="03", test_unlabeled=442)], ignore_index=True
    )
    compared = compare_with_official(counts, EDITIONS["dcase2020"])
    assert (compared["clips"] == compared["official"]).all()


def test_unreadable_files_are_named(copy):
    bad = sorted((copy / "dev_data/fan/train").iterdir())[3]
    bad.write_bytes(bad.read_bytes()[:200])
    seen = []
    found = check_data(copy, "dcase2022", progress=lambda *at: seen.append(at))
    assert list(found.bad["clip_id"]) == [bad.relative_to(copy).as_posix()]
    assert "truncated" in found.bad["reason"].iloc[0]
    assert seen[-1] == (80, 80)
    assert not found.is_complete


def test_a_small_tree_lacks_nearly_everything(copy):
    found = check_data(copy, "dcase2022", subsets=("dev",), machines=["fan"])
    assert set(found.counts["machine"]) == {"fan"}
    assert found.bad.empty
    assert found.surplus.empty
    rows = {tuple(row) for row in found.missing.itertuples(index=False)}
    assert ("dev", "fan", "00", "train_source", 6, 990) in rows
    assert ("dev", "fan", "02", "test_normal", 0, 100) in rows
    assert {row[:2] for row in rows} == {("dev", "fan")}


def test_simulated_machines_have_counts_of_their_own(copy):
    (copy / "simulation.json").write_text("{}")
    found = check_data(copy)
    assert found.missing.empty
    assert found.is_complete


def test_a_subset_without_clips_is_missing(copy):
    """A subset that was never downloaded must not pass as complete."""
    found = check_data(copy, "dcase2022", subsets=("eval",))
    assert found.counts.empty
    assert found.missing["official"].sum() == 21 * 1200
    assert not found.is_complete


def test_an_unknown_machine_is_named(copy):
    with pytest.raises(UsageError, match="unknown machine 'fun': did you mean 'fan'"):
        check_data(copy, "dcase2022", machines=["fun"])
