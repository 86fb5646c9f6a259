"""MobileNetV2 in minutes on two cores: a narrower network, shorter crops, a higher rate."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.mobilenetv2 import paper
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    "train.epochs=1",
    "train.steps_per_epoch=2",
    "train.batch_size=4",
    "network.alpha=0.1",
    "crop.frames=32",
    "data.seconds=1.0",
)


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.data.seconds = config_dict.placeholder(float)
    config.network.alpha = 0.35
    config.crop.frames = 40
    config.train.epochs = 10
    config.train.crops = "random"
    config.train.steps_per_epoch = 25
    config.train.learning_rate = 1e-3
    keep_promise(config)
    return config
