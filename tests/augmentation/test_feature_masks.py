"""Masks of SpecAugment have other counts, widths or places, or are no function of their seed."""

import numpy as np
import pytest
import tensorflow as tf

from asd_tf.augmentation.feature_masks import dropout_mask, spec_augment, spec_augment_mask

NONE = {"time_masks": 0, "frequency_masks": 0}


def runs(row):
    """Lengths of the runs of zeros in a row."""
    text = "".join("x" if value == 0 else " " for value in row)
    return [len(run) for run in text.split()]


def test_one_mask_of_each_kind_has_the_widths_asked_for():
    """Every width occurs as often as another, each in one piece over all of the other axis."""
    masks = {"time_masks": 1, "time_widths": (1, 5), "frequency_masks": 1}
    keep = spec_augment_mask((3000, 40, 30), [1, 2], **masks, frequency_widths=(0, 3)).numpy()
    time, frequency = keep.max(axis=2), keep.max(axis=1)
    np.testing.assert_array_equal(keep, time[:, :, None] * frequency[:, None, :])
    for rows, widths in ((time, range(1, 6)), (frequency, range(4))):
        lengths = [runs(row) for row in rows]
        assert max(len(one) for one in lengths) == 1
        found = np.bincount([sum(one) for one in lengths], minlength=widths.stop)
        assert len(found) == widths.stop
        assert found[: widths.start].sum() == 0
        np.testing.assert_allclose(found[widths.start :], 3000 / len(widths), rtol=0.15)


def test_masks_lie_everywhere():
    """Masks of two frames in eight start at each of seven places equally often."""
    masks = {**NONE, "time_masks": 1, "time_widths": (2, 2)}
    keep = spec_augment_mask((7000, 8, 1), [3, 4], **masks).numpy()[:, :, 0]
    starts = np.bincount(keep.argmin(axis=1), minlength=8)
    assert starts[7] == 0
    np.testing.assert_allclose(starts[:7], 1000, rtol=0.15)


def test_the_published_masks_cover_what_they_should():
    """50 masks of 1 to 5 frames over 313, and 5 of 0 to 10 bands over 128, on the mean."""
    keep = spec_augment_mask((400, 313, 128), [5, 6]).numpy()
    time, frequency = keep.max(axis=2), keep.max(axis=1)
    # Away from the ends a mask of width w covers a frame at w of 314 - w places.
    a_mask = np.mean([w / (314 - w) for w in range(1, 6)])
    assert time[:, 10:-10].mean() == pytest.approx((1 - a_mask) ** 50, abs=0.01)
    a_mask = np.mean([w / (129 - w) for w in range(11)])
    assert frequency[:, 12:-12].mean() == pytest.approx((1 - a_mask) ** 5, abs=0.02)


def test_clips_and_steps_have_masks_of_their_own():
    """One mask for a whole batch, or the same at each step, is a network that learns it."""
    one, again, other = (spec_augment_mask((4, 60, 30), [7, s]).numpy() for s in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any(axis=(1, 2)).all()
    assert len({clip.tobytes() for clip in one}) == 4


def test_masks_wider_than_the_clip_cover_it_all():
    masks = {**NONE, "time_masks": 1, "time_widths": (9, 9)}
    assert not spec_augment_mask((2, 5, 3), [0, 0], **masks).numpy().any()


def test_masked_values_are_replaced_and_the_others_stay():
    features = tf.random.stateless_normal([3, 50, 20], [0, 0]) + 5

    @tf.function(input_signature=[tf.TensorSpec([None, 50, 20])])
    def augmented(features):
        return spec_augment(features, [1, 1], value=-80.0, time_masks=4)

    keep = spec_augment_mask((3, 50, 20), [1, 1], time_masks=4).numpy() > 0
    assert 0 < keep.mean() < 1
    np.testing.assert_array_equal(augmented(features), np.where(keep, features, -80))
    np.testing.assert_array_equal(spec_augment(features, [1, 1], **NONE), features)


def test_dropout_keeps_the_mean():
    """A network would see other levels at one rate than at another."""
    mask = dropout_mask((20, 50, 40), [1, 2], 0.2).numpy()
    np.testing.assert_allclose(np.unique(mask), [0, 1.25])
    assert mask.mean() == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(dropout_mask((20, 50, 40), [1, 2], 0.2), mask)
    assert np.all(dropout_mask((2, 3, 4), [1, 2], 0.0).numpy() == 1)


@pytest.mark.parametrize(
    "masks", [{"time_masks": -1}, {"time_widths": (3, 2)}, {"frequency_widths": (-1, 2)}]
)
def test_impossible_masks_are_refused(masks):
    with pytest.raises(ValueError, match="are none: use a count from 0"):
        spec_augment_mask((1, 5, 5), [0, 0], **masks)
    with pytest.raises(ValueError, match="use one from 0 to below 1"):
        dropout_mask((1, 5, 5), [0, 0], 1.0)
