"""speech_embedding, fine-tuned as a whole, in minutes on two cores.

Where it is not installed (`pip install 'asd_tf[speech]'`), a tiny encoder is trained from scratch,
and then LoRA on its weights.
"""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.zheng import paper
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    "scratch.epochs=1",
    "scratch.steps_per_epoch=2",
    "scratch.batch_size=4",
    "train.epochs=1",
    "train.steps_per_epoch=2",
    "train.batch_size=4",
    "lora.rank=2",
    "data.seconds=0.8",
)


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.data.seconds = config_dict.placeholder(float)
    # Path of weights, or auto: speech_embedding, or none where it is not installed.
    config.encoder.pretrained = "auto"
    config.encoder.size = "tiny"
    config.spec_augment.time_width = (0, 16)
    config.spec_augment.frequency_width = (0, 16)
    config.lora.rank = 16
    config.lora.alpha = 16.0
    config.scratch.epochs = 40
    config.scratch.steps_per_epoch = 25
    config.scratch.warmup_steps = 50
    config.scratch.warmup_share = 1.0
    config.train.epochs = 16
    config.train.steps_per_epoch = 25
    # None: full where the encoder has no dense layers, and else LoRA.
    config.tuning = config_dict.placeholder(str)
    # None: 1e-4 of the whole network, and 1e-3 of LoRA: so few steps at 5e-5 would change nothing.
    del config.train.learning_rate
    config.train.learning_rate = config_dict.placeholder(float)
    config.train.warmup_steps = 50
    config.train.warmup_share = 1.0
    keep_promise(config)
    return config
