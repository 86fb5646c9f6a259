"""The row "5-12" of Table 5."""

import ml_collections
from asd_tf.configs.zheng import table2_r64


def get_config() -> ml_collections.ConfigDict:
    config = table2_r64.get_config()
    config.lora.layers = "5-12"
    return config
