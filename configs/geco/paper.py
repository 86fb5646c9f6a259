"""GeCo and its fusion with the predictive autoencoder, on all classes that the data have.

On DCASE 2020 these are 23 with the development data alone, and 41 with the additional training data
beside them.
"""

import ml_collections
from asd_tf.configs.pae import paper as pae
from asd_tf.configs.resnet18 import paper as resnet18


def get_config() -> ml_collections.ConfigDict:
    config = resnet18.get_config()
    autoencoder = pae.get_config()
    config.pae = ml_collections.ConfigDict(
        {"network": autoencoder.network, "train": autoencoder.train}
    )
    config.loss = ml_collections.ConfigDict(
        {
            "form": "contrastive",  # eq. 2 itself; or bce, with weight vectors
            "temperature": 1.0,  # eq. 2 has none
            "normalize": False,  # whether vectors have length 1 in this loss; not in eq. 2
            "balance": 10.0,  # lambda after the ramp
            "ramp_start": 30,  # epoch up to which lambda is 0
            "ramp_end": 90,  # epoch from which it is `balance`
        }
    )
    config.scores = "both"  # or embedding: the row "GeCo"
    config.fusion = ml_collections.ConfigDict(
        {
            # Weight of the distance (eq. 4): matched, published, or a number such as 200.
            "gamma": "matched",
            "published": {
                "ToyCar": 125.0,
                "ToyConveyor": 135.0,
                "fan": 495.0,
                "pump": 225.0,
                "slider": 110.0,
                "valve": 125.0,
            },
        }
    )
    return config
