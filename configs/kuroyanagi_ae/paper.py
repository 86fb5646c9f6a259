"""What the paper proposes: the ensemble of autoencoders."""

import ml_collections
from asd_tf.configs.kuroyanagi_ae import ae_ens


def get_config() -> ml_collections.ConfigDict:
    return ae_ens.get_config()
