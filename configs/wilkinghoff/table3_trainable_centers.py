"""Table 3, lower left: no bias terms, trainable centers."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.loss.trainable_centers = True
    return config
