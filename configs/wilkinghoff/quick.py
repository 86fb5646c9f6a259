"""The presented system in minutes on two cores: the full network, more epochs over fewer clips."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.wilkinghoff import paper
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = ("train.epochs=2", "train.steps_per_epoch=1", "train.batch_size=8", "data.seconds=0.5")


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.data.seconds = config_dict.placeholder(float)
    config.classes = "train"
    config.network.graph = "2024"
    config.train.epochs = 24
    keep_promise(config)
    return config
