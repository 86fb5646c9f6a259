"""The presented system of the paper on DCASE 2022: the right-hand columns of its Tables 3 to 7."""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section()
    # Of the training clips (train), or those and the development test clips (train_and_dev_test),
    # which make the paper's 342. None: the latter where the data are DCASE 2022, else the former.
    config.classes = config_dict.placeholder(str)
    config.network = ml_collections.ConfigDict(
        {
            "branches": "both",  # or spectrum, spectrogram (Table 4)
            "combine": "concat",  # or add, concat_after_training (Table 4)
            # Whether each half of concat_after_training is scaled to length 1; not stated.
            "unit_halves": False,
            "spectrogram": "magnitude",  # or log_mel (Table 4)
            # Of log_mel, inferred from the author's code of 2022; the paper has 128 bands.
            "log_mel": {
                "n_mels": 128,
                "power": 2,
                "scale": "db",
                "floor": 1e-10,
                "fmin": 200.0,
                "fmax": 8000.0,
            },
            "temporal_normalization": True,  # Table 5
            "use_bias": False,  # Table 3
            "graph": "bn_on_trunk_2023",  # or 2024, the published code since its correction
            "l2": 1e-5,
        }
    )
    config.loss = ml_collections.ConfigDict(
        {
            "subclusters": 16,
            "trainable_centers": False,  # Table 3
            "dynamic_scale": True,
        }
    )
    config.mixup = ml_collections.ConfigDict(
        {
            "probability": 1.0,
            "label_rule": "max",  # as published, or sum
        }
    )
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 10,
            "steps_per_epoch": config_dict.placeholder(int),  # none: once through the clips
            "batch_size": 64,
            "learning_rate": 1e-3,
        }
    )
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "min",
            "normalize": "none",
            "members": {
                "centers": {
                    "estimator": "KMeansCosine",
                    "domain": "all",  # as the code; the paper's wording is source
                    # The code of 30 September 2022 normalized the centers, later code did not.
                    "params": {"n_clusters": 16, "n_init": 10, "normalize_centers": False},
                },
                "targets": {"estimator": "NearestCosine", "domain": "target", "params": {}},
            },
        }
    )
    config.calibration = calibration_section()
    return config
