"""An evaluation must say whether there are as many false alarms as were promised."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from asd_tf.evaluation.false_alarms import (
    LEVELS,
    false_alarm_table,
    kept_range,
    reliability_curves,
)
from asd_tf.evaluation.section_metrics import select_test_clips

KEYS = ["machine", "section", "domain"]


def test_every_machine_section_and_domain_has_a_row(scored):
    """Each must be counted over its own normal clips, with the interval of Clopper and Pearson."""
    found = false_alarm_table(scored, 0.1)
    machine = [("all", domain) for domain in ("all", "source", "target")]
    machine += [(section, domain) for section in ("00", "01") for _, domain in machine[:3]]
    assert list(zip(found["section"], found["domain"], strict=True)) == machine * 2
    assert (found["promised"] == 0.1).all()
    row = found.set_index(KEYS).loc["pump", "01", "target"]
    chosen = scored.query("machine == 'pump' and section == '01' and domain == 'target'")
    normal = chosen[chosen["label"] == 0]
    assert (row["normals"], row["alarms"]) == (len(normal), normal["decision"].sum())
    k, n = row["alarms"], row["normals"]
    assert row["low"] == pytest.approx(stats.beta.ppf(0.025, k, n - k + 1) if k else 0)
    assert row["high"] == pytest.approx(stats.beta.ppf(0.975, k + 1, n - k))
    whole = found.set_index(KEYS).loc["pump", "all", "all"]
    assert whole["normals"] == 24
    assert whole["alarms"] == found[(found["machine"] == "pump") & (found["section"] != "all")][
        "alarms"
    ].sum() / 2  # fmt: skip


def test_only_more_than_promised_is_told(scored):
    """A promise within the interval, or above it, must not be told; one below must be."""
    alarm = scored.assign(decision=1)
    assert false_alarm_table(alarm, 0.1)["more_than_promised"].all()
    assert not false_alarm_table(scored.assign(decision=0), 0.9)["more_than_promised"].any()
    assert false_alarm_table(scored, None)["more_than_promised"].isna().all()


def test_clips_without_decision_label_or_domain(scored):
    """Only normal clips with a decision must count, and one domain needs no rows of its own."""
    one = false_alarm_table(scored.assign(domain=pd.NA), 0.1)
    assert set(one["domain"]) == {"all"}
    undecided = scored.assign(decision=pd.array([pd.NA] * len(scored), "Int64"))
    for nothing in (undecided, scored.assign(label=pd.NA), scored[:0]):
        assert false_alarm_table(nothing, 0.1).empty


def test_curves_are_the_shares_below_each_promise(scored):
    """At every level the curve must be the share of normal p-values up to it."""
    rng = np.random.default_rng(0)
    clips = select_test_clips(scored.assign(p_value=rng.uniform(size=len(scored))))
    source, target = reliability_curves(clips)
    assert (source.name, target.name) == ("source normals", "target normals")
    normal = clips[(clips["label"] == 0) & ~clips["is_target"]]["p_value"]
    assert source.count == len(normal)
    for level, seen in zip(LEVELS, source.seen, strict=True):
        assert seen == np.mean(normal <= level)
    [both] = reliability_curves(clips.assign(is_target=False))
    assert both.name == "normal clips"
    assert reliability_curves(clips.assign(p_value=np.nan)) == []


def test_what_is_kept_is_in_the_range():
    """Of shares of clips that keep a promise, nearly all must be in the range."""
    low, high = kept_range(100)
    seen = np.random.default_rng(0).binomial(100, LEVELS, (1000, len(LEVELS))) / 100
    inside = np.mean((seen >= low) & (seen <= high), axis=0)
    assert (inside >= 0.93).all()
    assert (low <= LEVELS).all() and (high >= LEVELS).all()
