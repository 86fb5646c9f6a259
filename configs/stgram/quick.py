"""STgram-MFN in minutes on two cores: a narrower network, smaller batches, a higher rate."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.stgram import paper
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    "train.epochs=2",
    "train.steps_per_epoch=1",
    "train.batch_size=4",
    "train.constant_epochs=1",
    "frontend.n_mels=16",
    "network.width=4",
    "network.embedding=8",
    "data.seconds=0.5",
)


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.data.seconds = config_dict.placeholder(float)
    config.network.width = 16
    config.train.epochs = 20
    config.train.steps_per_epoch = 20
    config.train.batch_size = 32
    config.train.learning_rate = 1e-3
    config.train.constant_epochs = 2
    keep_promise(config)
    return config
