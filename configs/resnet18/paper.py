"""The row "Baseline" of GeCo's Tables 1 and 2."""

import ml_collections
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = ml_collections.ConfigDict(
        {
            "sample_rate": 16000,
            "seconds": 10.0,  # longer clips are cropped, shorter ones repeated
            "max_seconds": 10.0,  # where seconds is none, which means the data's commonest length
            "subsets": config_dict.placeholder(tuple),  # such as dev alone; none: all
        }
    )
    config.frontend = ml_collections.ConfigDict({"n_mels": 128})
    config.crop = ml_collections.ConfigDict(
        {
            "frames": 65,
            "in_scoring": 10,  # evenly spaced crops of a clip; not told
        }
    )
    config.network = ml_collections.ConfigDict(
        {
            "width": 64,  # of the first stage; not told, as He et al.
            "embedding": config_dict.placeholder(int),  # none: the mean of the last stage, 512
        }
    )
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 120,
            "steps_per_epoch": config_dict.placeholder(int),  # none: once through the clips
            "batch_size": 32,
            "learning_rate": 0.1,
            "momentum": 0.9,
            "weight_decay": 1e-4,  # of kernels, as PyTorch counts it
            "drop_after": (50, 90),  # epochs, after which the learning rate is
            "drop": 0.1,  # times what it was
        }
    )
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "min",
            "normalise": "none",
            "members": {"centre": {"estimator": "CentreCosine", "domain": "all"}},
        }
    )
    config.calibration = ml_collections.ConfigDict({"quantile": 0.9, "held_out": 0.1})
    return config
