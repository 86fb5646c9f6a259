"""The row "CED" of Table 1, fully fine-tuned."""

import ml_collections
from asd_tf.configs.zheng import table1_beats


def get_config() -> ml_collections.ConfigDict:
    config = table1_beats.get_config()
    config.encoder.kind = "ced"
    return config
