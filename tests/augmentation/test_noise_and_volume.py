"""Noise and gain must have the wanted decibels, as functions of their seed."""

import numpy as np
import pytest
import tensorflow as tf

from asd_tf.augmentation.noise_and_volume import add_gaussian_noise, change_volume

CLIPS = tf.random.stateless_normal([400, 500], [0, 0]) * tf.linspace(0.001, 1.0, 400)[:, None]


def decibels(power):
    return 10 * np.log10(power)


def test_each_clip_has_noise_at_its_own_ratio():
    """The ratio must be within its range, for clips of any level."""
    noise = add_gaussian_noise(CLIPS, [1, 2], (5.0, 20.0)).numpy() - CLIPS.numpy()
    ratio = decibels(np.mean(np.square(CLIPS), axis=1) / np.mean(np.square(noise), axis=1))
    # Half a decibel for the spread of the power of 500 values.
    assert 4 < ratio.min() < 6
    assert 19 < ratio.max() < 21
    assert ratio.mean() == pytest.approx(12.5, abs=0.7)
    relation = np.corrcoef(noise / noise.std(axis=1, keepdims=True))
    assert np.abs(relation - np.eye(400)).max() < 0.25


def test_noise_is_gaussian():
    clips = tf.ones([200, 500])
    noise = add_gaussian_noise(clips, [1, 2], (0.0, 0.0)).numpy() - 1
    assert np.mean(np.abs(noise) < 1) == pytest.approx(0.6827, abs=0.01)
    assert noise.mean() == pytest.approx(0, abs=0.02)


def test_each_clip_has_a_gain_of_its_own():
    louder = change_volume(CLIPS, [1, 2], (-6.0, 3.0)).numpy()
    gain = louder / CLIPS.numpy()
    np.testing.assert_allclose(gain, np.broadcast_to(gain[:, :1], gain.shape), rtol=1e-4)
    found = 2 * decibels(gain[:, 0])
    assert -6.001 < found.min() < -5.8
    assert 2.8 < found.max() < 3.001
    assert found.mean() == pytest.approx(-1.5, abs=0.4)


@pytest.mark.parametrize("augment", [add_gaussian_noise, change_volume])
def test_some_clips_are_left_as_they_are(augment):
    """Clips must be changed with the given probability, by their seed alone."""
    changed = augment(CLIPS, [3, 4], probability=0.25).numpy()
    is_changed = (changed != CLIPS.numpy()).any(axis=1)
    assert is_changed.mean() == pytest.approx(0.25, abs=0.07)
    np.testing.assert_array_equal(augment(CLIPS, [3, 4], probability=0.25), changed)
    assert (augment(CLIPS, [3, 5], probability=0.25).numpy() != changed).any()
    np.testing.assert_array_equal(augment(CLIPS, [3, 4], probability=0.0), CLIPS)


def test_a_silent_clip_stays_silent():
    """A silent clip must stay silent and finite."""
    for augment in (add_gaussian_noise, change_volume):
        assert not np.any(augment(tf.zeros([2, 100]), [1, 2]))


@pytest.mark.parametrize("augment", [add_gaussian_noise, change_volume])
def test_impossible_arguments_are_refused(augment):
    with pytest.raises(ValueError, match=r"_db must be a pair .* got \(3.0, 1.0\)$"):
        augment(CLIPS, [1, 2], (3.0, 1.0))
    with pytest.raises(ValueError, match=r"^probability must be in \[0, 1\], got 2$"):
        augment(CLIPS, [1, 2], probability=2)
