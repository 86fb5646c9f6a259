"""Thresholds must say what they are of, and decisions must follow them."""

import json

import numpy as np
import pandas as pd

from asd_tf.scoring.p_values import PValues
from asd_tf.scoring.thresholds import (
    Threshold,
    decide,
    few_recordings_lines,
    threshold_at,
    unsupported_line,
)

SCORES = np.random.default_rng(0).gamma(3, 1, 40)


def test_thresholds_say_what_they_are_of():
    """Rule, number and origin of the scores, and the promise, must be told."""
    found = threshold_at(PValues(SCORES, "machine"), 0.2)
    assert found == Threshold(np.sort(SCORES)[32], "conformal", 40, "machine", 0.2)
    rare = threshold_at(PValues(SCORES, rule="gamma"), 0.01)
    assert rare.rule == "gamma" and rare.value > SCORES.max()


def test_what_cannot_be_promised_has_no_threshold_but_a_line():
    """Nine scores can promise a tenth, and eight cannot; the line must say what they can."""
    assert threshold_at(PValues(SCORES[:9]), 0.1).value == SCORES[:9].max()
    found = threshold_at(PValues(SCORES[:8]), 0.1)
    assert found == Threshold(None, "none", 8, "none", 0.1)
    enough = threshold_at(PValues(SCORES), 0.1)
    line = unsupported_line({("fan", "00"): found, ("fan", "01"): enough})
    assert "fan, section 00: no threshold" in line
    assert "8 normal scores can promise 11.2 % of false alarms and not 10 %" in line
    assert threshold_at(PValues(SCORES[:8]), 0.112).value is not None
    assert unsupported_line({("fan", "00"): enough}) is None
    none = threshold_at(PValues([]), 0.1)
    assert "no threshold, as no normal score calibrates it" in unsupported_line(
        {("fan", "00"): none}
    )


def test_many_windows_of_few_recordings_promise_nothing_of_others():
    """A line must say so, and how many recordings it takes; clips that are one each need none."""
    scores = pd.DataFrame({"machine": "fan", "section": "00", "score": np.arange(180.0)})
    of_three = scores.assign(recording_id=np.repeat(["a", "b", "c"], 60))
    [line] = few_recordings_lines(of_three, 0.1)
    assert line.startswith("fan, section 00: its 180 normal windows are of 3 recordings")
    assert line.endswith("that takes 9 recordings")
    assert list(few_recordings_lines(of_three, 0.25)) == []
    [line] = few_recordings_lines(scores.assign(recording_id="a"), 0.1)
    assert "of one recording" in line
    assert list(few_recordings_lines(scores, 0.1)) == []
    assert list(few_recordings_lines(scores[:5].assign(recording_id=list("abcde")), 0.1)) == []


def test_threshold_survives_json():
    """A threshold must be equal after it was written and read."""
    for n in (0, 8, 40):
        threshold = threshold_at(PValues(SCORES[:n]), 0.1)
        assert Threshold.from_json(json.loads(json.dumps(threshold.to_json()))) == threshold


def test_decisions_are_above_the_threshold_and_missing_without_one():
    """Only a higher score is anomalous; without score or threshold there is no decision."""
    threshold = Threshold(0.5, "conformal", 20, "group", 0.1)
    decisions = decide([0.4, 0.5, 0.6, np.nan], threshold)
    assert str(decisions.dtype) == "Int64"
    assert decisions.tolist() == [0, 0, 1, pd.NA]
    assert decide([1.0], Threshold(None, "none", 1, "none", 0.1)).tolist() == [pd.NA]
