"""SpecAugment must mask the wanted blocks, different ones in every step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.augmentation.spec_augment import SpecAugment, masked_blocks


def seed(step):
    return tf.constant([7, step], tf.int64)


def test_blocks_have_their_widths_and_reach_both_ends():
    """Widths must be in their range, and masks must reach both ends."""
    found = masked_blocks(4000, 12, 1, (2, 4), seed(0)).numpy()
    edges = np.diff(np.pad(found, ((0, 0), (1, 1))).astype(int), axis=1)
    assert ((edges == 1).sum(axis=1) == 1).all()  # one block
    widths = found.sum(axis=1)
    np.testing.assert_allclose(np.bincount(widths, minlength=5)[2:] / 4000, 1 / 3, atol=0.04)
    starts = found.argmax(axis=1)[widths == 4]
    np.testing.assert_allclose(np.bincount(starts, minlength=9) / len(starts), 1 / 9, atol=0.04)


def test_half_of_a_short_clip_stays_and_none_is_none():
    """No clip may be masked completely."""
    assert (masked_blocks(5, 7, 1, (9, 9), seed(0)).numpy().sum(axis=1) == 3).all()
    assert not masked_blocks(5, 3, 4, (0, 0), seed(0)).numpy().any()
    assert not masked_blocks(5, 3, 0, (1, 2), seed(0)).numpy().any()


def test_time_and_bands_are_masked_in_training_alone():
    layer = SpecAugment(2, (1, 2), 1, (2, 3))
    features = tf.ones([50, 20, 10])
    np.testing.assert_array_equal(layer([features, seed(0)]), features)
    masked = layer([features, seed(0)], training=True).numpy() == 0
    whole_frames, whole_bands = masked.all(axis=2), masked.all(axis=1)
    assert ((whole_frames.sum(axis=1) >= 1) & (whole_frames.sum(axis=1) <= 4)).all()
    assert ((whole_bands.sum(axis=1) >= 2) & (whole_bands.sum(axis=1) <= 3)).all()
    expected = whole_frames[:, :, np.newaxis] | whole_bands[:, np.newaxis]
    np.testing.assert_array_equal(masked, expected)
    assert len({clip.tobytes() for clip in masked}) > 40


def test_masks_are_a_function_of_the_step():
    """A resumed training must see the masks that it would have seen."""
    layer, features = SpecAugment(1, (1, 5), 1, (1, 5)), tf.ones([4, 30, 30])
    one, again, other = (layer([features, seed(s)], training=True).numpy() for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_share_of_the_clips_stays_whole():
    layer = SpecAugment(1, (3, 3), 0, (0, 0), probability=0.25)
    found = layer([tf.ones([2000, 6, 2]), seed(3)], training=True).numpy()
    assert (found == 0).any(axis=(1, 2)).mean() == pytest.approx(0.25, abs=0.03)


def test_it_comes_back_from_its_config_and_refuses_nonsense():
    layer = SpecAugment(50, (1, 5), 5, (0, 10), name="masks")
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    for bad in ((-1, (0, 1), 0, (0, 0)), (1, (5, 1), 0, (0, 0)), (1, (0, 1), 1, (-1, 0)),
                (1, (0, 1), 1, (0, 1), 1.5)):  # fmt: skip
        with pytest.raises(ValueError, match=r" must be .* got "):
            SpecAugment(*bad)
