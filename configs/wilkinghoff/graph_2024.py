"""The network as it stands in the published code since its correction in January 2024."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.network.graph = "2024"
    return config
