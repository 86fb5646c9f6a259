"""Table 6, cosine distance: the model of the source domain only."""

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
        }
    )
    return config
