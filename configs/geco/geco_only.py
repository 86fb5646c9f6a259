"""The row "GeCo" of Table 1, and "with ramp-up" of Table 2: the distance alone."""

import ml_collections
from asd_tf.configs.geco import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.scores = "embedding"
    return config
