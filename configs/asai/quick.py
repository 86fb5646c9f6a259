"""The system in minutes on two cores: the full network, smaller batches and fewer steps."""

import ml_collections
from asd_tf.configs.asai import paper
from asd_tf.configs.common import keep_promise
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    "source.epochs=2",
    "source.steps_per_epoch=1",
    "target.epochs=2",
    "target.steps_per_epoch=1",
    "optimizer.batch_size=8",
    "network.width=4",
    "loss.subclusters=4",
    "data.seconds=0.5",
)


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.data.seconds = config_dict.placeholder(float)
    config.optimizer.batch_size = 64
    config.source.epochs = 30
    config.target.epochs = 5
    config.target.steps_per_epoch = 20
    keep_promise(config)
    return config
