"""The scale of domains must treat what belongs together as one."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.data.health.measures import IN_FINE_BANDS, no_measures
from asd_tf.detector.deciding.domain_scales import on_domain_scales
from asd_tf.scoring.domains import POOLED, PREDICTED, DomainScale

COLUMNS = ["machine", "section", "domain", "recording_id", "score"]


def calibration(source=24, target=12, sessions=4):
    """Returns recordings of sessions, whose scores and levels depend on the session, too."""
    rng = np.random.default_rng(0)
    count = source + target
    is_target = np.arange(count) >= source
    session = np.arange(count) % sessions
    table = pd.DataFrame(
        {
            "machine": "fan",
            "section": "00",
            "domain": np.where(is_target, "target", "source"),
            "recording_id": [f"{number}.wav" for number in range(count)],
            "score": rng.normal(0, 0.2, count) + session + is_target,
            "unit": [f"day {number}" for number in session],
        }
    )
    measures = no_measures(count)
    noise = rng.normal(0, 1, measures[:, IN_FINE_BANDS].shape)
    measures[:, IN_FINE_BANDS] = noise + 6 * is_target[:, np.newaxis]
    return table, measures


def scaled(table, measures, domains=PREDICTED):
    entries, scores = on_domain_scales(table, measures, domains, 0)
    assert list(scores) == COLUMNS  # nothing of it is written
    return entries, scores["score"].to_numpy()


def test_a_score_is_compared_with_those_of_other_sessions():
    """What a session does to all its scores must not make them look normal."""
    table, measures = calibration()
    _, by_session = scaled(table, measures)
    moved = table.assign(score=table["score"] + 3 * (table["unit"] == "day 3"))
    _, apart = scaled(moved, measures)
    _, by_recording = scaled(moved.drop(columns="unit"), measures)
    last = (table["unit"] == "day 3").to_numpy()
    assert (apart[last] > by_session[last]).all()
    assert (apart[last] > by_recording[last]).all()


def test_sessions_count_in_place_of_recordings():
    """Two sessions tell no location, however many recordings they have."""
    table, measures = calibration(sessions=2)
    for given, apart in ((table, False), (table.drop(columns="unit"), True)):
        [entry] = scaled(given, measures)[0].values()
        assert DomainScale.from_json(entry["domains"]).tells_domains == apart


@pytest.mark.parametrize("units", ["day 0", None])
def test_one_session_or_none_counts_by_its_recordings(units):
    """The folds of a single session are those of its recordings."""
    table, measures = calibration()
    entries, scores = scaled(table.assign(unit=units), measures)
    expected, of_recordings = scaled(table.drop(columns="unit"), measures)
    assert entries == expected
    np.testing.assert_array_equal(scores, of_recordings)


def test_pooled_scores_stay():
    table, measures = calibration()
    entries, scores = scaled(table, measures, POOLED)
    assert entries == {}
    np.testing.assert_array_equal(scores, table["score"])
