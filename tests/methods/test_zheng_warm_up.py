"""The warm-up of Zheng's system on data of any size."""

import pytest

from asd_tf.config import load_recipe
from asd_tf.methods.zheng import embedding_networks


@pytest.mark.parametrize(("batches", "expected"), [(52_500, 5000), (4000, 400), (5, 0)])
def test_the_warm_up_takes_a_tenth_of_all_steps_at_most(batches, expected):
    """A run that is shorter than the published one must reach the learning rate, too."""
    config = load_recipe("zheng", "paper")
    assert embedding_networks.warmup_steps(config, config.train, batches) == expected
    config.train.accumulate = 4
    assert embedding_networks.warmup_steps(config, config.train, batches) == min(
        5000, batches // 4 // 10
    )
    config.train.warmup_share = 1.0
    assert embedding_networks.warmup_steps(config, config.train, 40_000) == 5000
    quick = load_recipe("zheng", "quick")
    assert embedding_networks.warmup_steps(quick, quick.train, 16 * 25) == 50
