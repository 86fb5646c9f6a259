"""The system of the paper with distances in units of the local density, without domains."""

import ml_collections
from asd_tf.configs.zheng import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.backend.members = ml_collections.ConfigDict(
        {"all": {"estimator": "DensityNormalizedNearest", "domain": "all"}}
    )
    return config
