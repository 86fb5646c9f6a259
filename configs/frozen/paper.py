"""Four backends on the mean frame of an encoder: the least of their standardized scores.

The fusion of Zhou and Wang (arXiv 2606.19269).
"""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section(seconds=None)
    config.encoder = ml_collections.ConfigDict(
        {
            # Path of weights, or speech_embedding for those that `pip install 'asd_tf[speech]'`
            # installs; none: log-mels instead of an encoder. See --pretrained.
            "pretrained": "speech_embedding",
            "kind": config_dict.placeholder(str),  # none: that of the weights
            # SHA-256 of the weights. None: any; the run keeps that of the weights that it used.
            "sha256": config_dict.placeholder(str),
            # Convolution of speech_embedding, 0 to 19, after which its features are taken; of other
            # encoders these are the tokens.
            "layer": 19,
            "n_mels": 128,  # of the log-mels
        }
    )
    config.pooling = ml_collections.ConfigDict(
        {
            "bands": "mean",  # of a frame; or keep, one after the other
            "power": 1.0,  # of the values: 1 for the mean over frames, above for a generalized mean
            "gamma": 0.0,  # above 0, frames weigh by their deviation to this power
        }
    )
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "min",
            "normalize": "calibration",
            "oversample": 0.0,
            "members": {
                "cosine": {"estimator": "NearestCosine", "domain": "all", "params": {}},
                "density": {"estimator": "DensityNormalizedNearest", "domain": "all", "params": {}},
                "mahalanobis": {
                    "estimator": "LedoitWolfMahalanobis",
                    "domain": "all",
                    "params": {},
                },
                "residual": {"estimator": "PrincipalResidual", "domain": "all", "params": {}},
            },
        }
    )
    config.calibration = calibration_section()
    return config
