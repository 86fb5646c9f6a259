"""The plain setting: five statistics, the largest of their standardized distances."""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section(seconds=None)
    config.statistics = ("median", "changes", "modulation", "spectrum", "tones")
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "min",
            "normalize": "none",
            "members": {
                "nearest": {
                    "estimator": "WhitenedNearest",
                    "domain": "all",
                    "params": {"equalization": 1.0},
                },
            },
        }
    )
    config.fusion = ml_collections.ConfigDict({"rule": "max"})
    config.calibration = calibration_section()
    return config
