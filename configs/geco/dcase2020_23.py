"""The fusion on the 23 classes of the development data of DCASE 2020, whatever else is there."""

import ml_collections
from asd_tf.configs.geco import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.data.subsets = ("dev",)
    return config
