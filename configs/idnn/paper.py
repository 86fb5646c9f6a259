"""The interpolation DNN: the IDNN row of Table 1, on DCASE 2020."""

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
            "widths": (64, 32, 16, 32, 64),  # as in public reimplementations
            "standardize": False,  # the network gets log-mels in dB
        }
    )
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 100,
            "steps_per_epoch": config_dict.placeholder(int),  # none: once through the windows
            "batch_size": 512,
            "learning_rate": 1e-3,
        }
    )
    config.calibration = calibration_section(held_out=0.1)
    return config
