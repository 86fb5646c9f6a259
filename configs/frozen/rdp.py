"""Relative deviation pooling, in its hybrid with the generalized mean (arXiv 2603.04605)."""

import ml_collections
from asd_tf.configs.frozen import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    # Neither exponent is known here: these are this project's.
    config.pooling.gamma = 2.0
    config.pooling.power = 3.0
    config.backend.normalize = "none"
    config.backend.members = ml_collections.ConfigDict(
        {"density": {"estimator": "DensityNormalizedNearest", "domain": "all", "params": {}}}
    )
    return config
