"""Table 5: both branches without temporal normalization."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.network.temporal_normalization = False
    return config
