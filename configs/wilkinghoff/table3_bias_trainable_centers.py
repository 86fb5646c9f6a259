"""Table 3, upper left: bias terms and trainable centers."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.network.use_bias = True
    config.loss.trainable_centers = True
    return config
