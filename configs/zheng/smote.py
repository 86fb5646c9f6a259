"""The system of the paper with target clips oversampled to a fifth of the source clips."""

import ml_collections
from asd_tf.configs.zheng import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.backend.oversample = 0.2
    return config
