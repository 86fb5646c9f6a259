"""The row "BEATs" of Table 1 and "Full fine-tune" of Table 2."""

import ml_collections
from asd_tf.configs.zheng import table2_r64


def get_config() -> ml_collections.ConfigDict:
    config = table2_r64.get_config()
    config.encoder.kind = "beats"
    config.tuning = "full"
    return config
