"""The row "k" of Table 3."""

import ml_collections
from asd_tf.configs.zheng import table2_r64


def get_config() -> ml_collections.ConfigDict:
    config = table2_r64.get_config()
    config.lora.matrices = ("k",)
    return config
