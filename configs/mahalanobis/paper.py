"""The plain setting: log-mel statistics and their Mahalanobis distance."""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section(seconds=None)
    config.frontend = ml_collections.ConfigDict({"n_mels": 128})
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "min",
            "normalize": "none",
            "members": {
                "all": {"estimator": "LedoitWolfMahalanobis", "domain": "all", "params": {}},
            },
        }
    )
    config.calibration = calibration_section()
    return config
