"""The row "Our baseline (AE)" of Table 1, on DCASE 2021: one autoencoder for each machine.

The paper tunes frontend, sizes and post-processing for each machine and domain on labelled clips,
and prints none of them; those here are the same for all.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = ml_collections.ConfigDict(
        {
            "sample_rate": 16000,
            "seconds": 10.0,  # longer clips are cropped, shorter ones repeated
            "max_seconds": 10.0,  # where seconds is none, which means the data's commonest length
        }
    )
    config.frontend = ml_collections.ConfigDict({"n_mels": 128})  # not told
    config.network = ml_collections.ConfigDict(
        {  # none of them told; width, heads, expansion and dropout are the small Conformer's
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
            "rate_factor": 1.0,  # of the Transformer's learning rate; not told
        }
    )
    config.replicas = ml_collections.ConfigDict(
        {  # of a clip, in scoring; both not told
            "count": 8,
            "pool": "mean",  # or max
        }
    )
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "known",
            "normalise": "none",
            "members": {
                domain: {
                    "estimator": "FrameMixture",
                    "domain": domain,
                    "params": {"n_components": 2, "covariance_type": "full"},  # K not told
                }
                for domain in ("source", "target")
            },
        }
    )
    config.pool = ml_collections.ConfigDict(
        {  # eq. 3; neither told
            "alpha": 0.1,  # 0 is the mean, large values the maximum
            "trim": 0.05,  # share of the frames that is left out at each end
        }
    )
    config.ensemble = ml_collections.ConfigDict(
        {
            "candidates": 1,  # networks that are trained for each machine
            "size": 1,  # N of them, those with the least error on clips held out, enter
            "rule": "mean",  # or median, max, rank
            "vary": {},  # sections and keys to a value for each candidate, counted round
        }
    )
    config.calibration = ml_collections.ConfigDict({"quantile": 0.9, "held_out": 0.1})
    return config
