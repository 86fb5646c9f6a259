"""Table 7: the standard choices: log-mel alone, bias, trainable centers, GMM."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.network.branches = "spectrogram"
    config.network.spectrogram = "log_mel"
    config.network.use_bias = True
    config.loss.trainable_centers = True
    config.backend.members = ml_collections.ConfigDict(
        {
            "joint": {
                "estimator": "CappedGaussianMixture",
                "domain": "all",
                "params": {"n_components": 16},
            },
        }
    )
    return config
