"""The row "128" of Table 2: LoRA of that rank on q and v."""

import ml_collections
from asd_tf.configs.zheng import table2_r64


def get_config() -> ml_collections.ConfigDict:
    config = table2_r64.get_config()
    config.lora.rank = 128
    return config
