"""The row "BC ens" of Table 1, on DCASE 2021: two of three networks of each section of a machine.

The paper names what varies from network to network, but neither the values nor the choice.
"""

import ml_collections
from asd_tf.configs.kuroyanagi_bc import baseline_bc


def get_config() -> ml_collections.ConfigDict:
    config = baseline_bc.get_config()
    config.ensemble.candidates = 3
    config.ensemble.size = 2
    config.ensemble.sections = "all"
    config.ensemble.vary = ml_collections.ConfigDict(
        {
            "outliers": {"source": ("both", "same_dataset")},
            "network": {"kind": ("resnet34", "resnext50", "efficientnet_b3")},
            "loss": {"arcface": (0.0, 0.1, 0.1)},
        }
    )
    config.augmentation.noise = 0.5
    config.augmentation.volume = 0.5
    return config
