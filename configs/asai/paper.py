"""The system of the report on DCASE 2021."""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section()
    config.frontend = ml_collections.ConfigDict(
        {
            "n_mels": 128,
            "standardize": "per_band",  # as in the published code it builds on, or all_bands
        }
    )
    config.network = ml_collections.ConfigDict({"width": 16, "dense": 128})
    subclusters = config_dict.FieldReference(32)
    config.loss = ml_collections.ConfigDict(
        {
            "subclusters": subclusters,
            "dynamic_scale": True,
            # Of classes in the loss: none, or balanced as in the published code; not stated.
            "class_weights": "none",
        }
    )
    config.mixup = ml_collections.ConfigDict({"of": "features"})  # or waveforms
    config.optimizer = ml_collections.ConfigDict(
        {"learning_rate": 1e-3, "weight_decay": 1e-5, "batch_size": 256}
    )
    # Without steps_per_epoch, an epoch is once through the source clips.
    config.source = ml_collections.ConfigDict(
        {"epochs": 150, "steps_per_epoch": config_dict.placeholder(int)}
    )
    # The 5,000 iterations of the report, with a checkpoint after every 500.
    config.target = ml_collections.ConfigDict({"epochs": 10, "steps_per_epoch": 500})
    config.backend = ml_collections.ConfigDict(
        {
            "means": "learned_centers",  # from which the mixture starts, or kmeans
            "combine": "known",
            "normalize": "calibration",  # puts both domains on one scale; ranks within one stay
            "members": {
                "source": {
                    "estimator": "CappedGaussianMixture",
                    "domain": "source",
                    "params": {
                        "n_components": subclusters,
                        "covariance_type": "full",
                        "reg_covar": 1e-3,
                        "density": "best_component",  # or worst_component, the report's wording
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
    config.calibration = calibration_section()
    return config
