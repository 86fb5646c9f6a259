"""The statistics of clips: at every rate and length, and what their parts find."""

import numpy as np
import pytest

from asd_tf.config import apply_overrides, load_recipe
from asd_tf.methods import statistics


def recipe(*overrides):
    config = load_recipe("statistics", "quick")
    apply_overrides(config, overrides)
    return config


@pytest.mark.parametrize(("rate", "seconds"), [(8000, 1.0), (16000, 10.0), (48000, 60.0)])
def test_they_are_finite_at_every_rate_and_length(rate, seconds):
    """Constants in seconds and hertz must serve short clips at 8 kHz and long ones at 48 kHz."""
    config = recipe(f"data.sample_rate={rate}", f"data.seconds={seconds}")
    waveform = np.random.default_rng(0).normal(0, 0.1, [1, round(rate * seconds)])
    found = statistics.build_network(config)(waveform.astype(np.float32)).numpy()
    assert np.isfinite(found).all()
    assert max(stop for _, stop in statistics.columns_of(config).values()) == found.shape[1]


def test_silence_is_finite():
    """A dead microphone must have values, so that its clip can have a score."""
    config = recipe("data.seconds=1.0")
    assert np.isfinite(statistics.build_network(config)(np.zeros([1, 16000], np.float32))).all()


@pytest.mark.parametrize("fault", ["tone", "knock"])
def test_a_fault_changes_the_statistic_that_is_made_for_it(fault):
    """A tone must show in the tones first, knocks four times a second in the modulation."""
    config, rng = recipe("data.seconds=4.0"), np.random.default_rng(0)
    seconds = np.arange(64000) / 16000
    normal = rng.normal(0, 0.1, [40, 64000])
    if fault == "tone":
        found = normal[:1] + 0.02 * np.sin(2 * np.pi * 1234 * seconds)
    else:
        found = normal[:1] * (1 + 0.3 * np.sin(2 * np.pi * 4 * seconds))
    values = statistics.build_network(config)(np.concatenate([found, normal[1:]], dtype=np.float32))
    values = values.numpy()
    away = np.abs(values[0] - values[1:].mean(axis=0)) / values[1:].std(axis=0).clip(1e-6)
    largest = {name: away[slice(*at)].max() for name, at in statistics.columns_of(config).items()}
    assert (
        max(largest, key=largest.get)
        in {"tone": ("tones", "spectrum"), "knock": ("modulation",)}[fault]
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("statistics=('median','median')", "each once"),
        ("statistics=('tone',)", "tones"),
        ("fusion.rule=loudest", "fusion.rule"),
        ("data.seconds=0.4", "needs 0.512 s"),
    ],
)
def test_impossible_recipes_are_refused(override, message):
    """Unknown statistics and clips that are too short must be refused in one line."""
    config = recipe("data.seconds=2.0", override)
    with pytest.raises(statistics.UsageError, match=message):
        statistics.check(config, None)
