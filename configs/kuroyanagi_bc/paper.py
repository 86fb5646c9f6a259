"""What the paper proposes: the ensemble of binary classifiers."""

import ml_collections
from asd_tf.configs.kuroyanagi_bc import bc_ens


def get_config() -> ml_collections.ConfigDict:
    return bc_ens.get_config()
