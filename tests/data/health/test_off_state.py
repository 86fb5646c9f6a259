"""A machine that is off must be found where it is clear, and nowhere else."""

import numpy as np
import pandas as pd
import pytest
from scipy import signal

from asd_tf.data.health.measures import measure, no_measures
from asd_tf.data.health.state import OffState, says_off

RATE, SAMPLES = 16000, 8000


def hall(rng):
    """The noise of a hall, at a level that varies by 2 dB."""
    noise = signal.lfilter([1], [1, -0.9], rng.normal(size=SAMPLES))
    return 0.002 * noise * 10 ** (rng.normal(0, 2) / 20)


def running(rng, factor=1.0):
    time = np.arange(SAMPLES) / RATE
    hiss = signal.lfilter([1, -0.7], [1], rng.normal(size=SAMPLES))
    return hall(rng) + factor * (0.1 * np.sin(2 * np.pi * 300 * time) + 0.02 * hiss)


def measured(waves):
    return measure(np.stack(waves).astype(np.float32), RATE)


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(0)
    return measured([hall(rng) for _ in range(12)] + [running(rng) for _ in range(40)])


def test_two_states_are_found(windows):
    state = OffState.find(windows)
    assert state.is_off(windows).tolist() == [True] * 12 + [False] * 40
    assert OffState.from_json(state.to_json()) == state
    rng = np.random.default_rng(1)
    assert state.is_off(measured([hall(rng) for _ in range(20)])).all()
    assert not state.is_off(measured([running(rng) for _ in range(20)])).any()
    assert not state.is_off(no_measures(1)).any()


def test_a_microphone_that_is_silent_is_not_a_machine_that_is_off(windows):
    """Else an unplugged microphone would go unnoticed for good."""
    rng = np.random.default_rng(1)
    state = OffState.find(windows)
    assert not state.is_off(measured([rng.normal(0, 1e-5, SAMPLES) for _ in range(5)])).any()


def test_a_machine_that_is_weak_is_not_off(windows):
    """A machine at a lower level with its own spectrum must be scored."""
    rng = np.random.default_rng(1)
    assert not OffState.find(windows).is_off(measured([running(rng, 0.3) for _ in range(9)])).any()


def test_no_states_are_made_up():
    """One state, two gains of a microphone, and two windows that differ are no machine off."""
    rng = np.random.default_rng(0)
    one = measured([running(rng, 10 ** (rng.normal(0, 3) / 20)) for _ in range(60)])
    assert OffState.find(one) is None
    gains = measured([running(rng) * (0.1 if n % 2 else 1.0) for n in range(60)])
    assert OffState.find(gains) is None
    few = measured([hall(rng), hall(rng), *(running(rng) for _ in range(30))])
    assert OffState.find(few) is None
    assert OffState.find(no_measures(9)) is None


def test_an_attribute_says_off():
    attributes = [{"state": "OFF "}, {"state": "idle"}, {}, {"load": "off"}, None]
    clips = pd.DataFrame({"attributes": attributes})
    assert says_off(clips, "state").tolist() == [True, False, False, False, False]
    assert not says_off(pd.DataFrame({"clip_id": ["a"]}), "state").any()
