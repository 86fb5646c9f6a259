"""The row "Baseline" of GeCo's Tables 1 and 2."""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section()
    # Such as ("dev",) for the development data alone; none: all.
    config.data.subsets = config_dict.placeholder(tuple)
    config.frontend = ml_collections.ConfigDict({"n_mels": 128})
    config.crop = ml_collections.ConfigDict(
        {
            "frames": 65,
            "num_eval_crops": 10,  # evenly spaced crops of a clip; not stated in the paper
        }
    )
    config.network = ml_collections.ConfigDict(
        {
            "width": 64,  # of the first stage, as He et al.; not stated in the paper
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
            "weight_decay": 1e-4,  # of kernels, as PyTorch defines it
            "drop_after": (50, 90),  # epochs after which the learning rate drops
            "drop": 0.1,  # factor by which it drops
        }
    )
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "min",
            "normalize": "none",
            "members": {"center": {"estimator": "CenterCosine", "domain": "all"}},
        }
    )
    config.calibration = calibration_section(held_out=0.1)
    return config
