"""The PAE row of Table 1, on DCASE 2020."""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section()
    config.frontend = ml_collections.ConfigDict({"n_mels": 128})
    config.network = ml_collections.ConfigDict(
        {
            "frames": 5,
            "encoder": 512,
            "decoder": 256,
            "bottleneck": 64,
            "blocks": 2,  # of the encoder, and of the decoder
            "heads": 8,  # not stated in the paper
            "expansion": 4,  # of the dense part of a block; not stated in the paper
        }
    )
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 60,
            "steps_per_epoch": config_dict.placeholder(int),  # none: once through the windows
            "batch_size": 512,
            "learning_rate": 1e-3,
            "drop_after": 30,  # epochs after which the learning rate drops
            "drop": 0.1,  # factor by which it drops
        }
    )
    config.calibration = calibration_section(held_out=0.1)
    return config
