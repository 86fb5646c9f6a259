"""Windows and crops of features must cover the clips evenly and resume exactly."""

import numpy as np
import pytest

from asd_tf.data.frame_features import count_windows, crop_batches, window_batches
from asd_tf.errors import InputError

CLIPS, FRAMES, SIZE = 6, 9, 5
ROWS = np.array([0, 2, 3, 5])

# Each value encodes its clip and its frame.
FEATURES = np.float32(
    100 * np.arange(CLIPS)[:, np.newaxis, np.newaxis] + np.arange(FRAMES)[:, np.newaxis]
) + np.zeros(3, np.float32)


def windows(steps, first_step=0, seed=0, batch_size=7, hop=1):
    stream = window_batches(FEATURES, ROWS, SIZE, batch_size, seed, "pae", first_step, hop)
    found = [(int(step), rows.numpy(), values.numpy()) for step, rows, values in stream.take(steps)]
    for _, rows, values in found:  # windows are of the clips that are named with them
        assert (values[:, :, 0] // 100 == rows[:, np.newaxis]).all()
    return [(step, values) for step, _, values in found]


def crops(steps, first_step=0, seed=0):
    stream = crop_batches(FEATURES, ROWS, SIZE, 4, seed, "classifier", first_step)
    return [tuple(part.numpy() for part in batch) for batch in stream.take(steps)]


def test_every_window_is_seen_once_an_epoch():
    """An epoch must have each window of the given clips once, and none of other clips."""
    found = np.concatenate([values for _, values in windows(20)])  # 140 windows: 7 epochs of 20
    assert (np.diff(found[:, :, 0], axis=1) == 1).all()
    firsts = found[:, 0, 0].reshape(7, 20)
    every = sorted(100 * row + start for row in ROWS for start in range(FRAMES - SIZE + 1))
    for epoch in firsts:
        assert sorted(epoch) == every
    assert len({tuple(epoch) for epoch in firsts}) == 7


def test_windows_can_be_some_frames_apart():
    """An epoch must have the windows at every other frame, as many as are counted."""
    assert count_windows(FRAMES, SIZE, hop=2) == 3
    assert count_windows(313, 64, hop=8) == 32  # of the baseline of 2021, in ten seconds
    ((_, found),) = windows(1, batch_size=3 * len(ROWS), hop=2)
    assert sorted(found[:, 0, 0]) == sorted(
        100 * row + start for row in ROWS for start in (0, 2, 4)
    )


def test_windows_are_a_function_of_seed_and_step():
    """A resumed training must get the batches that it would have had."""
    whole, resumed = windows(6), windows(3, first_step=3)
    for (step, values), (expected_step, expected) in zip(resumed, whole[3:], strict=True):
        assert step == expected_step
        np.testing.assert_array_equal(values, expected)
    assert not np.array_equal(windows(1, seed=1)[0][1], whole[0][1])


def test_fewer_windows_than_a_batch_are_refused():
    with pytest.raises(InputError, match="4 clips have 20 windows of 5 frames, and a batch 21"):
        windows(1, batch_size=21)


def test_every_clip_gives_one_crop_an_epoch_at_any_place():
    """Crops must be of the clips of their indices, at uniformly distributed starts."""
    starts = []
    for _, rows, values in crops(40):
        assert sorted(rows) == sorted(ROWS)
        assert (values[:, :, 0] // 100 == rows[:, np.newaxis]).all()
        assert (np.diff(values[:, :, 0], axis=1) == 1).all()
        starts += (values[:, 0, 0] % 100).tolist()
    counts = np.bincount(np.int64(starts), minlength=5)
    assert len(counts) == 5
    assert counts.min() > 15  # of 160: expected 32 at each


def test_crops_are_a_function_of_seed_and_step():
    for batch, expected in zip(crops(2, first_step=2), crops(4)[2:], strict=True):
        for part, value in zip(batch, expected, strict=True):
            np.testing.assert_array_equal(part, value)
