"""The DCASE autoencoder: the AE row of Table 1, on DCASE 2020."""

import ml_collections
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = ml_collections.ConfigDict(
        {
            "sample_rate": 16000,
            "seconds": 10.0,  # longer clips are cropped, shorter ones repeated
            "max_seconds": 10.0,  # where seconds is none, which means the data's commonest length
        }
    )
    config.frontend = ml_collections.ConfigDict({"n_mels": 128})
    config.network = ml_collections.ConfigDict(
        {
            "frames": 5,
            "hidden": 128,
            "depth": 4,  # dense layers before the bottleneck, and behind it
            "bottleneck": 8,
            "standardise": False,  # levels in dB go in as they are
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
    config.score = "square_error"  # or mahalanobis
    config.calibration = ml_collections.ConfigDict({"quantile": 0.9, "held_out": 0.1})
    return config
