"""The DCASE autoencoder with the selective Mahalanobis score of the baselines since 2023."""

import ml_collections
from asd_tf.configs.ae import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.score = "mahalanobis"
    config.train.batch_size = 256
    return config
