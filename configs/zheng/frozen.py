"""The pre-trained encoder as it is: no training at all."""

import ml_collections
from asd_tf.configs.zheng import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.tuning = "frozen"
    return config
