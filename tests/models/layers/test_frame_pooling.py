"""Pooling over frames: the mean, the generalized mean, and weights by deviation."""

import numpy as np
import pytest

from asd_tf.models.layers.frame_pooling import DeviationPooling

FRAMES = np.random.default_rng(0).normal(size=(2, 7, 3)).astype(np.float32)


def weights_of(frames, gamma):
    """The definition, for one clip."""
    distances = np.linalg.norm(frames - frames.mean(axis=0), axis=1)
    weights = (distances / distances.mean()) ** gamma
    return (weights / weights.sum())[:, np.newaxis]


def test_without_exponents_it_is_the_mean():
    np.testing.assert_allclose(DeviationPooling()(FRAMES), FRAMES.mean(axis=1), rtol=1e-5)


def test_a_high_power_tends_to_the_largest_value_and_keeps_its_sign():
    found = DeviationPooling(power=1.0 + 40)(np.array([[[1.0], [-3.0], [2.0]]], np.float32))
    assert float(found[0, 0]) == pytest.approx(-3.0, rel=0.05)


@pytest.mark.parametrize("power", [1.0, 3.0])
def test_frames_weigh_by_their_deviation(power):
    expected = []
    for frames in FRAMES.astype(np.float64):
        values = np.sign(frames) * np.abs(frames) ** power
        pooled = (weights_of(frames, 2.0) * values).sum(axis=0)
        expected.append(np.sign(pooled) * np.abs(pooled) ** (1 / power))
    np.testing.assert_allclose(DeviationPooling(2.0, power)(FRAMES), expected, rtol=1e-4)


def test_equal_frames_and_silence_are_finite():
    """A steady clip has no deviation, by which nothing may be divided."""
    for value in (0.0, 0.7):
        frames = np.full((1, 5, 3), value, np.float32)
        np.testing.assert_allclose(DeviationPooling(2.0, 3.0)(frames)[0], [value] * 3, rtol=1e-5)


@pytest.mark.parametrize(("name", "value"), [("gamma", -1.0), ("power", 0.5)])
def test_exponents_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name} must "):
        DeviationPooling(**{name: value})
