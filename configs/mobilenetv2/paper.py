"""MobileNetV2 as in the baselines of DCASE 2021 and 2022, in as many steps.

It is not the row "MobileNetV2" of GeCo's Table 1, which is a system of Giri et al. for DCASE 2020.
"""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section()
    config.frontend = ml_collections.ConfigDict({"n_mels": 128})
    config.crop = ml_collections.ConfigDict(
        {
            "frames": 64,
            "hop": 8,  # frames between the crops of a clip, 32 in ten seconds
        }
    )
    config.network = ml_collections.ConfigDict({"alpha": 0.5})
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 20,
            "crops": "all",  # of each clip and epoch; or random: one, at a random place
            "steps_per_epoch": config_dict.placeholder(int),  # none: once through the crops
            "batch_size": 32,
            "learning_rate": 1e-5,
        }
    )
    config.score = "log_odds"  # or log_odds_as_code, with the baseline's parenthesis
    config.calibration = calibration_section(held_out=0.1)
    return config
