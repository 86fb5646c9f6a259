"""The fusion with a binary cross-entropy, as which eq. 2 can be expressed by Section 2.2."""

import ml_collections
from asd_tf.configs.geco import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.loss.form = "bce"
    return config
