"""Folds must keep together what belongs together, and no domain may lose all its clips."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.data.clips import check_clips
from asd_tf.errors import UsageError
from asd_tf.scoring.folds import NEVER, divided_alone, fold_numbers, held_out_mask


def clips_of(source=12, target=3, sessions=None, windows=1, section="00"):
    """Returns training clips of one section; `sessions` deals recordings to as many sessions."""
    rows = []
    for domain, count in (("source", source), ("target", target)):
        for number in range(count):
            name = f"fan/{section}-{domain}{number}.wav"
            own = {} if sessions is None else {"session": f"s{number % sessions}"}
            rows += [
                {
                    "clip_id": f"{name}#{window}", "path": name, "machine": "fan",
                    "section": section, "split": "train", "domain": domain, "attributes": own,
                    "recording_id": name,
                }
                for window in range(windows)
            ]  # fmt: skip
    return check_clips(pd.DataFrame(rows))


def assert_together(names, numbers):
    """Asserts that equal names have equal numbers."""
    assert (
        pd.DataFrame({"name": names, "number": numbers})
        .groupby("name")["number"]
        .nunique()
        .eq(1)
        .all()
    )


@pytest.mark.parametrize("group_by", [None, "contiguous", "recording_id"])
def test_folds_of_recordings_have_all_domains(group_by):
    """Every fold must have its share of both domains, and whole recordings."""
    clips = clips_of(source=13, target=4, windows=3)
    folds = fold_numbers(clips, group_by, 3)
    assert_together(clips["recording_id"], folds)
    first = clips.assign(fold=folds).drop_duplicates("recording_id")
    counts = first.groupby(["domain", "fold"]).size().unstack()
    assert counts.shape == (2, 3)
    assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()


def test_contiguous_folds_are_runs_in_the_order_of_names():
    """Day 10 must follow day 9, and neighbors be in one fold."""
    folds = fold_numbers(clips_of(source=12, target=0), "contiguous", 3)
    np.testing.assert_array_equal(folds, np.repeat([0, 1, 2], 4))


@pytest.mark.parametrize("sessions", [2, 3, 4, 7])
def test_folds_follow_sessions(sessions):
    """No session may be on both sides; few sessions are each a fold."""
    clips = clips_of(source=28, target=7, sessions=sessions)
    folds = fold_numbers(clips, "session", 3)
    assert_together([of["session"] for of in clips["attributes"]], folds)
    assert set(folds) == set(range(min(sessions, 3)))


def test_a_single_recording_is_in_no_fold():
    """A group that would lose all its clips must keep them."""
    clips = clips_of(source=1, target=0, windows=4)
    assert (fold_numbers(clips, None, 3) == NEVER).all()
    assert not held_out_mask(clips, None, 0.2).any()


def test_a_single_session_is_divided_by_its_recordings():
    """The promise is then one for that session, but there must be one."""
    clips = clips_of(source=9, target=0, sessions=1)
    assert set(fold_numbers(clips, "session", 3)) == {0, 1, 2}
    assert held_out_mask(clips, "session", 0.2).sum() == 2


def test_folds_do_not_depend_on_the_order_of_the_table():
    """The same clips must be in the same folds however they are listed."""
    for group_by in (None, "contiguous", "session"):
        clips = clips_of(source=30, target=6, sessions=5)
        order = np.random.default_rng(0).permutation(len(clips))
        shuffled = clips.iloc[order].reset_index(drop=True)
        assert_together(
            np.append(clips["recording_id"], shuffled["recording_id"]),
            np.append(held_out_mask(clips, group_by, 0.3), held_out_mask(shuffled, group_by, 0.3)),
        )
        if group_by != "session":
            assert_together(
                np.append(clips["recording_id"], shuffled["recording_id"]),
                np.append(fold_numbers(clips, group_by, 3), fold_numbers(shuffled, group_by, 3)),
            )


@pytest.mark.parametrize("group_by", [None, "contiguous", "session"])
def test_each_domain_of_two_or_more_is_held_out_in_part(group_by):
    """Target clips must calibrate as well, whole recordings and sessions at a time."""
    clips = clips_of(source=20, target=4, sessions=4, windows=2)
    held = held_out_mask(clips, group_by, 0.2)
    names = clips["recording_id"] if group_by != "session" else [
        of["session"] for of in clips["attributes"]
    ]  # fmt: skip
    assert_together(names, held)
    for domain in ("source", "target"):
        of_domain = held[clips["domain"] == domain]
        assert 0 < of_domain.sum() < len(of_domain)


def test_a_session_with_a_domain_of_its_own_is_not_held_out():
    """Without it no network would have heard the domain."""
    clips = pd.concat([clips_of(6, 0, sessions=1), clips_of(0, 2)], ignore_index=True)
    clips["attributes"] = [
        {"session": "night" if domain == "target" else "day"} for domain in clips["domain"]
    ]
    assert not held_out_mask(clips, "session", 0.5).any()


def test_a_value_that_a_clip_lacks_is_an_error():
    """The line must name what there is, or the first clip without."""
    clips = clips_of(sessions=3)
    with pytest.raises(UsageError, match=r"group_by=shift: no training clip has it.*session"):
        fold_numbers(clips, "shift", 3)
    clips.at[4, "attributes"] = {}
    with pytest.raises(UsageError, match=r"group_by=session: fan/00-source4\.wav#0 has none"):
        fold_numbers(clips, "session", 3)


def in_sections(*sessions):
    """Returns clips of a machine: for each section, the sessions of its recordings in order."""
    tables = []
    for section, names in enumerate(sessions):
        table = clips_of(len(names), 0, section=f"{section:02d}")
        tables.append(table.assign(attributes=[{"session": name} for name in names]))
    return pd.concat(tables, ignore_index=True)


def sessions_of(clips):
    return [of["session"] for of in clips["attributes"]]


@pytest.mark.parametrize(
    "sections",
    [("abc", "bcd", "abcd"), ("aabbccddee", "bbccddeeff", "fa"), ("abc", "cba" * 3), ("ab", "bc")],
)
def test_a_session_is_in_one_fold_of_all_sections(sections):
    """A network hears all sections, and must not have heard the session that it calibrates."""
    clips = in_sections(*sections)
    folds = fold_numbers(clips, "session", 3)
    assert_together(sessions_of(clips), folds)
    assert clips.assign(fold=folds).groupby("section")["fold"].nunique().ge(2).all()
    held = held_out_mask(clips, "session", 0.3)
    assert_together(sessions_of(clips), held)
    of_sections = clips.assign(held=held).groupby("section")["held"]
    assert of_sections.any().all() and not of_sections.all().any()
    assert divided_alone(clips, "session", 3) == []


def test_a_machine_is_divided_apart_from_others():
    """Sessions of one name on two machines have nothing to do with each other."""
    clips = in_sections("abcdefgh", "abcdefgh")
    other = in_sections("hhhhhhab").assign(machine="valve")
    both = pd.concat([clips, other], ignore_index=True)
    folds = fold_numbers(both, "session", 3)
    np.testing.assert_array_equal(folds[: len(clips)], fold_numbers(clips, "session", 3))


def test_a_section_in_one_fold_is_divided_alone():
    """It must not lose all its clips in a network; what that costs is said by its name."""
    clips = in_sections("de", "ef")
    assert divided_alone(clips, "session", 2) == [("fan", "01")]
    folds = fold_numbers(clips, "session", 2)
    assert sorted(folds[:2]) == sorted(folds[2:]) == [0, 1]


def test_a_section_of_one_session_is_divided_by_its_recordings():
    """Other sections keep their sessions together, and the promise of this one is its own."""
    clips = in_sections("aaaaaa", "abcabc")
    folds = fold_numbers(clips, "session", 3)
    np.testing.assert_array_equal(folds[:6], [0, 0, 1, 1, 2, 2])
    assert_together(sessions_of(clips)[6:], folds[6:])
    assert held_out_mask(clips, "session", 0.2)[:6].tolist() == [False] * 5 + [True]
