"""Mixup must mix clips and labels as published, as a function of its seed."""

import numpy as np
import pytest
import tensorflow as tf

from asd_tf.augmentation.mixup import MixPairs, mixup

CLIPS = 64


@pytest.fixture
def labels():
    """Clip i is of class i % 3, so that some clips are mixed with one of their own class."""
    return np.eye(3, dtype=np.float32)[np.arange(CLIPS) % 3]


def shares(mixed):
    """Mixing the identity matrix leaves the share of each clip on the diagonal."""
    return np.diag(mixed)[:, np.newaxis]


IDENTITY = np.eye(CLIPS, dtype=np.float32)


def test_partner_is_the_batch_reversed(labels):
    mixed, _ = mixup(IDENTITY, labels, [1, 2])
    share = shares(mixed)
    np.testing.assert_allclose(mixed, share * IDENTITY + (1 - share) * IDENTITY[::-1], atol=1e-6)


def test_labels_are_the_larger_of_both_as_published(labels):
    mixed, target = mixup(IDENTITY, labels, [1, 2])
    share = shares(mixed)
    expected = np.maximum(share * labels, (1 - share) * labels[::-1])
    np.testing.assert_allclose(target, expected, atol=1e-6)
    same_class = (labels == labels[::-1]).all(axis=1)
    assert same_class.any()
    assert (target.numpy()[same_class].sum(axis=1) < 1).all()


def test_labels_are_the_sum_on_request(labels):
    mixed, target = mixup(IDENTITY, labels, [1, 2], label_rule="sum")
    share = shares(mixed)
    np.testing.assert_allclose(target, share * labels + (1 - share) * labels[::-1], atol=1e-6)
    np.testing.assert_allclose(np.sum(target, axis=1), 1, rtol=1e-6)


def test_shares_are_uniform_and_differ_between_clips(labels):
    share = np.concatenate([shares(mixup(IDENTITY, labels, [0, k])[0]) for k in range(50)])
    counts, _ = np.histogram(share, bins=10, range=(0, 1))
    assert counts.sum() == 50 * CLIPS
    assert (np.abs(counts - 320) < 90).all()


@pytest.mark.parametrize(
    ("probability", "low", "high"), [(0.0, 0, 0), (0.5, 0.35, 0.65), (1, 1, 1)]
)
def test_probability_is_that_of_a_clip_to_be_mixed(labels, probability, low, high):
    mixed, target = mixup(IDENTITY, labels, [3, 4], probability)
    is_mixed = np.any(mixed != IDENTITY, axis=1)
    assert low <= is_mixed.mean() <= high
    np.testing.assert_array_equal(target.numpy()[~is_mixed], labels[~is_mixed])


def test_equal_seeds_give_equal_batches_in_a_pipeline(labels):
    def mix(step):
        return mixup(IDENTITY, labels, tf.stack([tf.constant(7, tf.int64), step]))

    first = [x.numpy() for x, _ in tf.data.Dataset.range(3).map(mix, num_parallel_calls=2)]
    again = mix(tf.constant(2, tf.int64))[0].numpy()
    np.testing.assert_array_equal(first[2], again)
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize("bad", [{"probability": 1.1}, {"label_rule": "mean"}])
def test_unknown_options_are_refused(labels, bad):
    with pytest.raises(ValueError, match=r" must be .* got "):
        mixup(IDENTITY, labels, [1, 2], **bad)


@pytest.mark.parametrize("shape", [[3, 7], [3, 7, 5]])
def test_pairs_are_mixed_by_their_share(shape):
    """Clips or spectrograms of a pair must be weighted by the share that their label has."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=[2, *shape]).astype(np.float32)
    share = np.float32([0.0, 0.25, 1.0])
    mixed = MixPairs()([first, second, share])
    weight = share.reshape([3] + [1] * (len(shape) - 1))
    np.testing.assert_allclose(mixed, weight * first + (1 - weight) * second, atol=1e-6)
