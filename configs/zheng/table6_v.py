"""The row (1) of Table 6: v of all layers has 1.5 times the rank."""

import ml_collections
from asd_tf.configs.zheng import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.lora.boost_layers = "all"
    return config
