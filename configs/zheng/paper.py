"""The system of Table 4 on DCASE 2023: BEATs, LoRA of rank 64 on q and v, and of rank 96 on v in
the latter half of the layers, which is row (3) of Table 6.
"""  # noqa: D205

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
    config.networks = "one"  # for development and evaluation data; or each_subset
    config.encoder = ml_collections.ConfigDict(
        {
            "kind": "beats",  # or ced, wav2vec2, whisper (the form of Qwen-Audio's encoder)
            "pretrained": "",  # path of the published weights, or none; see --pretrained
            "size": "base",  # without pre-trained weights
            # What the encoder sees of a clip at a time; none: all of it.
            "segment_seconds": config_dict.placeholder(float),
        }
    )
    config.head = ml_collections.ConfigDict(
        {
            "pooling": "mean",  # of tokens, or attentive_statistics; not told
            "embedding": config_dict.placeholder(int),  # none: no dense layer behind it; not told
        }
    )
    config.tuning = "lora"  # or full, frozen
    config.lora = ml_collections.ConfigDict(
        {
            "alpha": 8.0,  # not told; the factor is alpha / rank
            "rank": 64,
            "matrices": ("q", "v"),
            "layers": "all",
            "boost": 1.5,
            "boost_matrices": ("v",),
            "boost_layers": "latter half",
            "dropout": 0.0,
        }
    )
    config.loss = ml_collections.ConfigDict({"margin": 0.5, "scale": 30.0, "easy_margin": False})
    config.spec_augment = ml_collections.ConfigDict(
        {
            "probability": 0.5,  # of a clip to be masked; not told, like what follows
            "time_masks": 1,
            "time_width": (0, 80),
            "frequency_masks": 1,
            "frequency_width": (0, 80),
        }
    )
    # From nothing, with --pretrained=none, before the tuning.
    config.scratch = ml_collections.ConfigDict(
        {
            "epochs": 30,
            "steps_per_epoch": config_dict.placeholder(int),
            "batch_size": 32,
            "learning_rate": 5e-4,
            "warm_up_steps": 1000,
        }
    )
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 30,
            "steps_per_epoch": config_dict.placeholder(int),  # none: once through the clips
            "batch_size": 8,
            "accumulate": 1,  # batches in a step
            "learning_rate": 5e-5,
            "warm_up_steps": 5000,  # not told
            "layer_decay": 1.0,  # of gradients, from layer to layer; 0.6 in BEATs' own fine-tuning
            "recompute": False,  # blocks in the backward pass: less memory, more time
        }
    )
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "min",
            "normalise": "none",
            "oversample": 0.0,  # target clips, by SMOTE, to this share of the source clips
            "members": {
                "source": {"estimator": "NearestCosine", "domain": "source"},
                "target": {"estimator": "NearestCosine", "domain": "target"},
            },
        }
    )
    config.calibration = ml_collections.ConfigDict({"quantile": 0.9})
    return config
