"""A stage: its seeds."""

import numpy as np
import tensorflow as tf

from asd_tf.seeds import stable_seed
from asd_tf.training.stage import Stage


def test_the_seed_word_alone_decides_the_seed(tmp_path):
    """A stage whose folder has another name must draw the same numbers."""
    first = Stage(tmp_path / "embedding", tmp_path / "logs", seed=3, seed_word="01-embedding")
    assert first.seed == stable_seed(3, "01-embedding")
    assert Stage(tmp_path / "other", tmp_path / "logs", seed=3).seed == stable_seed(3, "other")


def test_each_step_has_a_seed_of_its_own(tmp_path):
    """A step seed must be the pair of stage seed and step, for stateless operations."""
    stage = Stage(tmp_path / "embedding", tmp_path / "logs", seed=0)
    seed = stage.step_seed(tf.constant(7, tf.int64))
    np.testing.assert_array_equal(seed, [stage.seed, 7])
    assert seed.dtype == tf.int64
