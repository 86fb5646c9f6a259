"""The row "Our baseline (AE)" of Table 1, on DCASE 2021: one autoencoder for each machine.

The paper tunes frontend, sizes and post-processing for each machine and domain on labeled clips,
and states none of the values; those here are the same for all.
"""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section()
    config.frontend = ml_collections.ConfigDict({"n_mels": 128})  # not stated in the paper
    config.network = ml_collections.ConfigDict(
        {  # not stated in the paper; width, heads, expansion and dropout of the small Conformer
            "blocks": 4,
            "width": 144,
            "heads": 4,
            "expansion": 4,
            "kernel": 31,
            "bottleneck": ml_collections.config_dict.placeholder(int),  # none: no bottleneck
            "dropout": 0.1,
        }
    )
    config.masks = ml_collections.ConfigDict(
        {  # in training and in scoring
            "time_masks": 50,
            "time_widths": (1, 5),
            "frequency_masks": 5,
            "frequency_widths": (0, 10),
            "dropout": 0.2,
        }
    )
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 50,
            "steps_per_epoch": 1000,  # 50,000 steps in all
            "batch_size": 64,
            "warmup_steps": 8000,
            "rate_factor": 1.0,  # of the Transformer's learning rate; not stated in the paper
        }
    )
    config.replicas = ml_collections.ConfigDict(
        {  # masked copies of a clip, in scoring; neither value is stated in the paper
            "count": 8,
            "pool": "mean",  # or max
        }
    )
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "known",
            "normalize": "none",
            "members": {
                domain: {
                    "estimator": "FrameMixture",
                    "domain": domain,
                    # The number of components K is not stated in the paper.
                    "params": {"n_components": 2, "covariance_type": "full"},
                }
                for domain in ("source", "target")
            },
        }
    )
    config.pool = ml_collections.ConfigDict(
        {  # eq. 3; neither value is stated in the paper
            "alpha": 0.1,  # 0 gives the mean, large values approach the maximum
            "trim": 0.05,  # share of the frames that is left out at each end
        }
    )
    config.ensemble = ml_collections.ConfigDict(
        {
            "candidates": 1,  # networks that are trained for each machine
            "size": 1,  # N: the networks used, those with the least error on held-out clips
            "rule": "mean",  # or median, max, rank, mean_rank
            "vary": {},  # section to key to values, which the candidates take in turn
        }
    )
    config.calibration = calibration_section(held_out=0.1)
    return config
