"""Local density over neighborhoods that end where they leave a cluster (arXiv 2602.18777)."""

import ml_collections
from asd_tf.configs.frozen import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.backend.normalize = "none"
    # Neither number is known here: these are this project's.
    params = {"density_neighbors": 16, "exit_percentile": 95.0}
    config.backend.members = ml_collections.ConfigDict(
        {"density": {"estimator": "DensityNormalizedNearest", "domain": "all", "params": params}}
    )
    return config
