"""The predictive autoencoder in minutes on two cores: narrower, and fewer windows."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.pae import paper
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    "train.epochs=2",
    "train.steps_per_epoch=2",
    "train.batch_size=16",
    "train.drop_after=1",
    "network.encoder=16",
    "network.decoder=16",
    "network.bottleneck=8",
    "network.blocks=1",
    "network.heads=2",
    "data.seconds=0.5",
)


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.data.seconds = config_dict.placeholder(float)
    config.network.encoder = 128
    config.network.decoder = 64
    config.network.bottleneck = 32
    config.train.epochs = 20
    config.train.drop_after = 15
    config.train.steps_per_epoch = 40
    config.train.batch_size = 256
    keep_promise(config)
    return config
