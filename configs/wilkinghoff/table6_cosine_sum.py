"""Table 6, cosine distance: the sum of both models."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.backend.members = ml_collections.ConfigDict(
        {
            "centers": {
                "estimator": "KMeansCosine",
                "domain": "source",
                "params": {"n_clusters": 16, "n_init": 10},
            },
            "targets": {"estimator": "NearestCosine", "domain": "target", "params": {}},
        }
    )
    config.backend.combine = "sum"
    return config
