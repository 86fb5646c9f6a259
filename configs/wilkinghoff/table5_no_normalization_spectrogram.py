"""Table 5: the spectrogram alone without temporal normalization."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.network.branches = "spectrogram"
    config.network.temporal_normalization = False
    return config
