"""The row "PAE+GeCo (fixed)" of Table 1: a gamma of 200 for all machines."""

import ml_collections
from asd_tf.configs.geco import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.fusion.gamma = "200"
    return config
