"""Table 7: the standard choices: log-mel alone as it is, bias, trainable centers, joint GMM."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.network.branches = "spectrogram"
    config.network.spectrogram = "log_mel"
    config.network.temporal_normalization = False
    config.network.use_bias = True
    config.loss.trainable_centers = True
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
