"""The system of Table 4 on DCASE 2023: BEATs, LoRA of rank 64 on q and v, and of rank 96 on v in
the latter half of the layers, which is row (3) of Table 6.
"""  # noqa: D205

import ml_collections
from asd_tf.configs.common import calibration_section, data_section
from ml_collections import config_dict


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.data = data_section()
    config.networks = "one"  # network for all clips; or each_subset
    config.encoder = ml_collections.ConfigDict(
        {
            # beats, ced, wav2vec2 or whisper (the form of Qwen-Audio's encoder). None: that of the
            # weights; beats without any.
            "kind": config_dict.placeholder(str),
            "pretrained": "",  # path of the published weights, or none; see --pretrained
            # SHA-256 of the weights. None: any; the run keeps that of the weights that it used.
            "sha256": config_dict.placeholder(str),
            "size": "base",  # of an encoder without pre-trained weights
            # Length of the segments that the encoder gets; none: whole clips.
            "segment_seconds": config_dict.placeholder(float),
        }
    )
    config.head = ml_collections.ConfigDict(
        {
            "pooling": "mean",  # of tokens, or attentive_statistics; not stated in the paper
            # Size of a dense layer after the pooling; none: no such layer. Not stated in the paper.
            "embedding": config_dict.placeholder(int),
        }
    )
    config.tuning = "lora"  # or full, frozen
    config.lora = ml_collections.ConfigDict(
        {
            "alpha": 8.0,  # the factor is alpha / rank; not stated in the paper
            "rank": 64,
            "matrices": ("q", "v"),
            "layers": "all",
            "boost": 1.5,
            "boost_matrices": ("v",),
            "boost_layers": "latter half",
            "dropout": 0.0,
        }
    )
    config.loss = ml_collections.ConfigDict(
        {
            "kind": "arcface",  # or subcluster_adacos
            "margin": 0.5,  # this and the next two are of ArcFace; not stated in the paper
            "scale": 30.0,
            "easy_margin": False,
            "subclusters": 16,  # this and the next two are of sub-cluster AdaCos
            "trainable_centers": True,
            "dynamic_scale": False,
        }
    )
    # Of waveforms: the probability that a clip is mixed with another; none in the paper.
    config.mixup = ml_collections.ConfigDict({"probability": 0.0, "label_rule": "sum"})
    config.spec_augment = ml_collections.ConfigDict(
        {  # none of these values is stated in the paper
            "probability": 0.5,  # that a clip is masked
            "time_masks": 1,
            "time_width": (0, 80),
            "frequency_masks": 1,
            "frequency_width": (0, 80),
        }
    )
    # With --pretrained=none: training of the encoder from scratch, before the tuning.
    config.scratch = ml_collections.ConfigDict(
        {
            "epochs": 30,
            "steps_per_epoch": config_dict.placeholder(int),
            "batch_size": 32,
            "learning_rate": 5e-4,
            "weight_decay": 0.0,
            "warmup_steps": 1000,
            "warmup_share": 0.1,  # of all steps, which the warm-up takes at most
        }
    )
    config.train = ml_collections.ConfigDict(
        {
            "epochs": 30,
            "steps_per_epoch": config_dict.placeholder(int),  # none: once through the clips
            "batch_size": 8,
            "accumulate": 1,  # batches per optimizer step
            "learning_rate": 5e-5,
            "weight_decay": 0.0,
            "warmup_steps": 5000,  # not stated in the paper
            "warmup_share": 0.1,  # of all steps, which the warm-up takes at most
            "layer_decay": 1.0,  # of gradients, from layer to layer; 0.6 in BEATs' own fine-tuning
            "recompute": False,  # blocks are computed again in the backward pass: less memory
        }
    )
    config.backend = ml_collections.ConfigDict(
        {
            "combine": "min",
            "normalize": "none",
            "oversample": 0.0,  # share of the source clips to which SMOTE oversamples target clips
            "members": {
                "source": {"estimator": "NearestCosine", "domain": "source"},
                "target": {"estimator": "NearestCosine", "domain": "target"},
            },
        }
    )
    config.calibration = calibration_section()
    return config
