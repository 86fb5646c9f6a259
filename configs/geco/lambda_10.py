"""The row "lambda = 10" of Table 2: from the first step on, and the distance alone."""

import ml_collections
from asd_tf.configs.geco import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.scores = "embedding"
    config.loss.balance = 10.0
    config.loss.ramp_start = config.loss.ramp_end = 0
    return config
