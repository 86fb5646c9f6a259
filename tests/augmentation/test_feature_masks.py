"""SpecAugment's masks must have the wanted counts and widths, by their seed alone."""

import numpy as np
import pytest

from asd_tf.augmentation.feature_masks import dropout_mask, spec_augment_mask

NONE = {"time_masks": 0, "frequency_masks": 0}


def runs(row):
    """Lengths of the runs of zeros in a row."""
    text = "".join("x" if value == 0 else " " for value in row)
    return [len(run) for run in text.split()]


def test_one_mask_of_each_kind_has_the_widths_asked_for():
    """All widths must be equally frequent, and a mask must cover the other axis."""
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
    """All positions of a mask must be equally frequent."""
    masks = {**NONE, "time_masks": 1, "time_widths": (2, 2)}
    keep = spec_augment_mask((7000, 8, 1), [3, 4], **masks).numpy()[:, :, 0]
    starts = np.bincount(keep.argmin(axis=1), minlength=8)
    assert starts[7] == 0
    np.testing.assert_allclose(starts[:7], 1000, rtol=0.15)


def test_the_published_masks_cover_what_they_should():
    """The masked share must be that of 50 masks of 1 to 5 frames and 5 of 0 to 10 bands."""
    keep = spec_augment_mask((400, 313, 128), [5, 6]).numpy()
    time, frequency = keep.max(axis=2), keep.max(axis=1)
    # Away from the ends a mask of width w covers a frame at w of 314 - w places.
    a_mask = np.mean([w / (314 - w) for w in range(1, 6)])
    assert time[:, 10:-10].mean() == pytest.approx((1 - a_mask) ** 50, abs=0.01)
    a_mask = np.mean([w / (129 - w) for w in range(11)])
    assert frequency[:, 12:-12].mean() == pytest.approx((1 - a_mask) ** 5, abs=0.02)


def test_clips_and_steps_have_masks_of_their_own():
    """Masks must differ between clips and between seeds."""
    one, again, other = (spec_augment_mask((4, 60, 30), [7, s]).numpy() for s in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any(axis=(1, 2)).all()
    assert len({clip.tobytes() for clip in one}) == 4


def test_masks_wider_than_the_clip_cover_it_all():
    masks = {**NONE, "time_masks": 1, "time_widths": (9, 9)}
    assert not spec_augment_mask((2, 5, 3), [0, 0], **masks).numpy().any()


def test_dropout_keeps_the_mean():
    """Dropout must not change the mean."""
    mask = dropout_mask((20, 50, 40), [1, 2], 0.2).numpy()
    np.testing.assert_allclose(np.unique(mask), [0, 1.25])
    assert mask.mean() == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(dropout_mask((20, 50, 40), [1, 2], 0.2), mask)
    assert np.all(dropout_mask((2, 3, 4), [1, 2], 0.0).numpy() == 1)


@pytest.mark.parametrize(
    "masks", [{"time_masks": -1}, {"time_widths": (3, 2)}, {"frequency_widths": (-1, 2)}]
)
def test_impossible_masks_are_refused(masks):
    with pytest.raises(ValueError, match=r" must be .* got "):
        spec_augment_mask((1, 5, 5), [0, 0], **masks)
    with pytest.raises(ValueError, match=r"rate must be in \[0, 1\), got 1.0"):
        dropout_mask((1, 5, 5), [0, 0], 1.0)
