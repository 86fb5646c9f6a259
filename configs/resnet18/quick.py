"""The baseline in minutes on two cores: a narrower network, shorter crops and fewer steps."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.resnet18 import paper
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    "train.epochs=2",
    "train.steps_per_epoch=2",
    "train.batch_size=4",
    "train.drop_after=(1,)",
    "network.width=4",
    "crop.frames=10",
    "crop.num_eval_crops=2",
    "data.seconds=0.5",
)


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.data.seconds = config_dict.placeholder(float)
    config.network.width = 16
    config.crop.frames = 40
    config.train.epochs = 24
    config.train.drop_after = (10, 18)
    config.train.steps_per_epoch = 25
    keep_promise(config)
    return config
