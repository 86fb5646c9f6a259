"""What belongs together must be found in the data, and a line must say what was."""

import ml_collections
import pandas as pd
import pytest

from asd_tf.data.clips import check_clips
from asd_tf.data.sessions import (
    choose_grouping,
    lone_domain_lines,
    natural_order,
    one_session_lines,
    unit_names,
)
from asd_tf.experiment.calibration_plan import set_grouping


def clips_of(names, attributes=None, paths=None):
    return check_clips(
        pd.DataFrame(
            {
                "clip_id": names,
                "path": names if paths is None else paths,
                "machine": "fan",
                "section": "00",
                "split": "train",
                "attributes": [{}] * len(names) if attributes is None else attributes,
            }
        )
    )


NAMES = [f"fan/train/{number}.wav" for number in range(8)]


def sessions(count):
    return [{"session": f"{number % count}"} for number in range(len(NAMES))]


def test_a_named_session_is_followed():
    name, lines = choose_grouping(clips_of(NAMES, sessions(4)), is_edition=False)
    assert name == "session"
    assert lines == [
        "folds follow session (calibration.group_by): 4 in fan, section 00, the fewest"
    ]


def test_editions_keep_their_folds():
    """Results on them must not move, whatever their attributes are called."""
    assert choose_grouping(clips_of(NAMES, sessions(4)), is_edition=True) == (None, [])


def test_what_is_named_but_too_few_is_said():
    """Two sessions do not make folds by themselves; the line tells how they would."""
    name, lines = choose_grouping(clips_of(NAMES, sessions(2)), is_edition=False)
    assert name == "contiguous"
    assert "session: 2 in fan, section 00, fewer than 3" in lines[0]
    assert "--set calibration.group_by=session" in lines[0]
    assert lines[1].startswith("folds are contiguous")


def test_a_single_session_is_said():
    """A promise then holds for that session alone, also where the user names it."""
    clips = clips_of(NAMES, sessions(1))
    _, lines = choose_grouping(clips, is_edition=False)
    wanted = (
        "fan, section 00: all training clips are of one session: what its threshold promises holds "
        "for that one alone"
    )
    assert lines[0] == wanted
    assert list(one_session_lines(clips, "session")) == [wanted]


def test_clips_without_a_session_are_said():
    attributes = [*sessions(4)[:-1], {}]
    name, lines = choose_grouping(clips_of(NAMES, attributes), is_edition=False)
    assert (name, lines[0]) == ("contiguous", "session: 1 of 8 training clips have none: not used")


@pytest.mark.parametrize(
    "form",
    [
        "2026-11-2{}/a{}.wav",
        "fan/2026112{}T080{}.wav",
        "rec_2026_11_2{}_{}.wav",
        "2026112{}08{}0.wav",
    ],
)
def test_a_date_in_the_path_is_a_session(form):
    """Dates are written in many ways, alone or before a time of day."""
    clips = clips_of([form.format(day, number) for day in range(3) for number in range(2)])
    assert choose_grouping(clips, is_edition=False)[0] == "date"
    assert list(unit_names(clips, "date")) == [f"2026-11-2{day}" for day in range(3) for _ in "ab"]


def test_other_numbers_are_no_dates():
    names = [f"fan/{number}.wav" for number in (20261345, 120261130, 99991130, 202611301)]
    assert choose_grouping(clips_of(names), is_edition=False)[0] == "contiguous"


def test_parts_of_a_file_belong_together():
    """In a manifest of parts of long files, neighbors in a file are no strangers."""
    paths = [f"fan/{number // 2}.wav" for number in range(8)]
    clips = clips_of(NAMES, paths=paths)
    assert choose_grouping(clips, is_edition=False)[0] == "path"
    assert list(unit_names(clips, "path")) == paths


def test_windows_of_a_recording_stay_together():
    """The value of its first window is that of the recording."""
    clips = clips_of(NAMES, sessions(4)).assign(recording_id=[name[:9] for name in NAMES])
    assert set(unit_names(clips, "session")) == {"0"}


def test_names_are_sorted_as_a_reader_does():
    names = ["day10", "day2", "day2b", "Day1", "10", "9"]
    assert sorted(names, key=natural_order) == ["9", "10", "Day1", "day2", "day2b", "day10"]


def dated(targets):
    """Returns recordings of three dates; `targets` says on which of these are target clips."""
    names, domains = [], []
    for day in range(3):
        for number in range(4):
            names.append(f"fan/2026-11-2{day}/{number}.wav")
            domains.append("target" if day in targets and number < 2 else "source")
    return clips_of(names).assign(domain=domains)


TAKEN = (
    "date: 2026-11-22 has all target clips of fan, section 00: without it a network or backend "
    "hears none of the domain"
)


def test_a_session_that_has_all_of_a_domain_is_not_followed():
    """A fold must not take a domain from what is trained, unless that is asked for."""
    name, lines = choose_grouping(dated([2]), is_edition=False)
    assert name == "contiguous"
    assert f"{TAKEN}: folds do not follow it; --set calibration.group_by=date makes them" in lines
    assert choose_grouping(dated([1, 2]), is_edition=False)[0] == "date"
    assert choose_grouping(dated([]), is_edition=False)[0] == "date"


def test_a_named_session_that_has_all_of_a_domain_is_said():
    config = ml_collections.ConfigDict({"calibration": {"group_by": "date"}})
    assert list(set_grouping(config, dated([2]), "folder")) == [TAKEN]
    assert list(set_grouping(config, dated([1, 2]), "folder")) == []


def test_a_domain_of_one_recording_or_session_decides_nothing():
    """Any division takes the only recording; a single session is divided by its recordings."""
    clips = dated([2])
    clips.loc[clips["domain"].eq("target") & clips["clip_id"].str.endswith("1.wav"), "domain"] = (
        "source"
    )
    assert choose_grouping(clips, is_edition=False)[0] == "date"
    one_day = dated([2]).iloc[8:].reset_index(drop=True)
    assert list(lone_domain_lines(one_day, "date")) == []
