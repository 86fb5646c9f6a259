"""Features must be kept in half the space, and nearly as they were."""

import numpy as np

from asd_tf.detector.kept.packing import Packing, packed_with


def features(rng):
    """Returns features far from 0, of very different spreads, and one that never changes."""
    values = rng.normal([100, 1e-6, 0, -80, 3], [0.01, 1e-9, 1e5, 1, 0], size=(50, 5))
    return values.astype(np.float32)


def test_a_feature_is_rounded_by_little_of_its_spread():
    """What tells normal windows apart must survive, however far from 0 it is."""
    values = features(np.random.default_rng(0))
    packing, packed = packed_with(None, values)
    assert packed.dtype == np.float16
    error = np.abs(packing.unpack(packed).astype(np.float64) - values)
    # The second term is the rounding of float32 itself.
    assert (error <= np.ptp(values, axis=0) / 4096 + 1e-7 * np.abs(values)).all()


def test_packing_again_changes_nothing():
    """A detector of many versions must not wear out."""
    packing, packed = packed_with(None, features(np.random.default_rng(1)))
    again, repacked = packed_with(packing, packing.unpack(packed))
    assert again is packing
    np.testing.assert_array_equal(repacked, packed)


def test_later_features_may_be_far_beyond_the_first():
    """Where float16 has no room for them, all must be packed anew."""
    first = np.array([[0.0], [1.0]], np.float32)
    later = np.array([[0.0], [1e7]], np.float32)
    packing, packed = packed_with(Packing.of(first), later)
    assert np.isfinite(packed).all()
    np.testing.assert_allclose(packing.unpack(packed), later, atol=1e4)
