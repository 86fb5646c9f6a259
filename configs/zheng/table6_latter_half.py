"""The row (2) of Table 6: q and v of the latter half have 1.5 times the rank."""

import ml_collections
from asd_tf.configs.zheng import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.lora.boost_matrices = ("q", "v")
    return config
