"""Table 3, upper right: bias terms, fixed centers."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.network.use_bias = True
    return config
