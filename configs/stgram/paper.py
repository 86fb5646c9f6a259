"""STgram-MFN, a row of GeCo's Table 1 (Liu et al., ICASSP 2022, and its published code)."""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section()
    config.frontend = ml_collections.ConfigDict({"n_mels": 128})
    config.network = ml_collections.ConfigDict({"width": 64, "embedding": 128})
    config.loss = ml_collections.ConfigDict({"margin": 0.7, "scale": 30.0, "easy_margin": False})
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 300,
            "steps_per_epoch": config_dict.placeholder(int),  # none: once through the clips
            "batch_size": 128,
            "learning_rate": 1e-4,
            "constant_epochs": 20,  # before the learning rate decays along a cosine
            "final_share": 0.1,  # of the learning rate, at the end of the decay
        }
    )
    config.calibration = calibration_section(held_out=0.1)
    return config
