"""The plain setting: the root mean square of a clip is its score."""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section(seconds=None)
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "min",
            "normalize": "none",
            "members": {
                "all": {"estimator": "AsScore", "domain": "all", "params": {}},
            },
        }
    )
    config.calibration = calibration_section()
    return config
