"""The system of the report on DCASE 2021."""

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
    config.frontend = ml_collections.ConfigDict(
        {
            "n_mels": 128,
            "standardise": "per_band",  # as the published code it builds on, or all_bands
        }
    )
    config.network = ml_collections.ConfigDict({"width": 16, "dense": 128})
    subclusters = config_dict.FieldReference(32)
    config.loss = ml_collections.ConfigDict({"subclusters": subclusters, "dynamic_scale": True})
    config.mixup = ml_collections.ConfigDict({"of": "features"})  # or waveforms
    config.optimizer = ml_collections.ConfigDict(
        {"learning_rate": 1e-3, "weight_decay": 1e-5, "batch_size": 256}
    )
    # Steps none: once through the source clips.
    config.source = ml_collections.ConfigDict(
        {"epochs": 150, "steps_per_epoch": config_dict.placeholder(int)}
    )
    # The 5,000 iterations of the report, with a checkpoint after every 500.
    config.target = ml_collections.ConfigDict({"epochs": 10, "steps_per_epoch": 500})
    config.backend = ml_collections.ConfigDict(
        {
            "means": "learned_centres",  # where the mixture starts from, or kmeans
            "combine": "known",
            "normalise": "calibration",  # both domains on one scale; ranks within one stay
            "members": {
                "source": {
                    "estimator": "CappedGaussianMixture",
                    "domain": "source",
                    "params": {
                        "n_components": subclusters,
                        "covariance_type": "full",
                        "reg_covar": 1e-3,
                        "density": "best_component",  # or worst_component, the wording
                    },
                },
                "target": {
                    "estimator": "NormalizedOneClassSVM",
                    "domain": "target",
                    "params": {"kernel": "rbf", "gamma": "scale", "nu": 0.5},
                },
            },
        }
    )
    config.calibration = ml_collections.ConfigDict({"quantile": 0.9})
    return config
