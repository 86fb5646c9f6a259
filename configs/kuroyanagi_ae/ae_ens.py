"""The row "AE ens" of Table 1, on DCASE 2021: the best five of ten autoencoders a machine.

The paper chooses N of 3, 5, 10 and 20 for each machine and domain, and the N networks themselves,
on labeled clips; here N is one number, and clips held out of the training choose the networks.
"""

import ml_collections
from asd_tf.configs.kuroyanagi_ae import baseline_ae


def get_config() -> ml_collections.ConfigDict:
    config = baseline_ae.get_config()
    config.ensemble.candidates = 10
    config.ensemble.size = 5
    config.ensemble.vary = ml_collections.ConfigDict(
        {  # values not stated in the paper, only that blocks, units and kernels were tuned
            "network": {"blocks": (4, 3, 2, 5), "kernel": (31, 15, 7), "width": (144, 96)}
        }
    )
    return config
