"""What the paper proposes: both ensembles, mixed."""

import ml_collections
from asd_tf.configs.kuroyanagi import mix


def get_config() -> ml_collections.ConfigDict:
    return mix.get_config()
