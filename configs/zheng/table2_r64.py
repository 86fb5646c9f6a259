"""The row "64" of Table 2, which is "Base" of Table 6 and "q, v" of Table 3."""

import ml_collections
from asd_tf.configs.zheng import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.lora.boost = 1.0
    config.lora.boost_matrices = ()
    return config
