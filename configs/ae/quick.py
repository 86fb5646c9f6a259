"""The network of the paper recipe in minutes on two cores: log-mels standardized, fewer steps."""

import ml_collections
from asd_tf.configs.ae import paper
from asd_tf.configs.common import keep_promise
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    "train.epochs=2",
    "train.steps_per_epoch=2",
    "train.batch_size=16",
    "network.hidden=16",
    "network.depth=1",
    "data.seconds=0.5",
)


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.data.seconds = config_dict.placeholder(float)
    config.network.standardize = True
    config.train.epochs = 30
    config.train.steps_per_epoch = 60
    keep_promise(config)
    return config
