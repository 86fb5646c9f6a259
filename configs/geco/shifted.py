"""The fusion for data with a domain shift: k-means of all clips, and the nearest target clip.

The paper has one center for each machine id, for data without domains. With few target clips it
says little about their domain. This is the backend of Wilkinghoff (ICASSP 2023).
"""

import ml_collections
from asd_tf.configs.geco import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.backend.members = members()
    return config


def members() -> ml_collections.ConfigDict:
    """Returns the members of a backend for data with a domain shift."""
    return ml_collections.ConfigDict(
        {
            "centers": {"estimator": "KMeansCosine", "domain": "all", "params": {"n_clusters": 16}},
            "targets": {"estimator": "NearestCosine", "domain": "target"},
        }
    )
