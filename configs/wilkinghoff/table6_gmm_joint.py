"""Table 6, GMM: one model of both domains and of domain mixup, as in the paper's reference 8."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.backend.members = ml_collections.ConfigDict(
        {
            "joint": {
                "estimator": "CappedGaussianMixture",
                "domain": "all_and_mixed",
                "params": {"n_components": 16, "normalize_rows": False},
            },
        }
    )
    return config
