"""The list of editions must agree with the official labels and the published counts."""

import pytest

from asd_tf.data.layouts.editions import EDITIONS, find_edition
from asd_tf.data.layouts.official_counts import label_digests, official_counts
from asd_tf.errors import UsageError


def test_every_year_has_records_and_labels():
    assert list(EDITIONS) == [f"dcase{year}" for year in range(2020, 2027)]
    for edition in EDITIONS.values():
        assert [len(edition.records[subset]) for subset in ("dev", "eval")] == [1, 2]
        assert edition.label_source.startswith("https://")
    records = [number for edition in EDITIONS.values() for both in edition.records.values()
               for number in both]  # fmt: skip
    assert len(set(records)) == 21


def test_sections_are_as_many_as_in_papers():
    """In 2020 there must be 23 classes in the development set, 41 with the additional set."""
    sections = {
        name: [sum(map(len, edition.machines[subset].values())) for subset in ("dev", "eval")]
        for name, edition in EDITIONS.items()
    }
    assert sections["dcase2020"] == [23, 18]
    assert sections["dcase2021"] == sections["dcase2022"] == [21, 21]
    assert sections["dcase2023"] == [7, 7]
    assert sections["dcase2024"] == [7, 9]


@pytest.mark.parametrize("year", [2021, 2022, 2023, 2024])
def test_digests_cover_every_evaluation_section(year):
    digests = label_digests().query("year == @year")
    sections = {
        (machine, section)
        for machine, names in EDITIONS[f"dcase{year}"].machines["eval"].items()
        for section in names
    }
    assert set(zip(digests["machine"], digests["section"], strict=True)) == sections
    assert digests["sha256"].str.fullmatch("[0-9a-f]{64}").all()


def counts_of(name, subset, machine, section):
    frame = official_counts(EDITIONS[name])
    rows = frame[(frame["subset"] == subset) & (frame["machine"] == machine)]
    rows = rows[rows["section"].eq(section) if section else rows["section"].isna()]
    return dict(zip(rows["kind"], rows["clips"], strict=True))


def test_counts_are_stated_where_they_are_known():
    train = {"train_source": 990, "train_target": 10}
    assert counts_of("dcase2022", "dev", "fan", "00") == train | {
        "test_normal": 100,
        "test_anomalous": 100,
    }
    assert counts_of("dcase2022", "eval", "fan", "03") == train | {"test": 200}
    assert counts_of("dcase2026", "eval", "Sander", "00") == train | {"test": 200}
    train = {"train_source": 1000, "train_target": 3}
    assert counts_of("dcase2021", "eval", "gearbox", "03") == train | {"test": 520}
    assert counts_of("dcase2021", "dev", "gearbox", "00") == train
    assert counts_of("dcase2020", "eval", "fan", None) == {"test": 1342}
    assert counts_of("dcase2020", "dev", "fan", "00") == {}


def test_an_unknown_edition_is_named():
    with pytest.raises(UsageError, match="choose from dcase2020"):
        find_edition("dcase202")
