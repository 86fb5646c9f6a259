"""GeCo in minutes on two cores: narrower networks, shorter crops and fewer steps."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.geco import paper
from asd_tf.configs.geco.shifted import members
from asd_tf.configs.pae import quick as pae
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    *(f"pae.{assignment}" for assignment in pae.TEST if not assignment.startswith("data.")),
    "train.epochs=2",
    "train.steps_per_epoch=2",
    "train.batch_size=4",
    "train.drop_after=(1,)",
    "loss.ramp_start=1",
    "loss.ramp_end=2",
    "network.width=4",
    "crop.frames=10",
    "crop.num_eval_crops=2",
    "data.seconds=0.5",
)


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    autoencoder = pae.get_config()
    config.pae.network = autoencoder.network
    config.pae.train = autoencoder.train
    config.data.seconds = config_dict.placeholder(float)
    config.network.width = 16
    config.crop.frames = 40
    config.train.epochs = 24
    config.train.drop_after = (10, 18)
    config.train.steps_per_epoch = 25
    config.loss.ramp_start = 6
    config.loss.ramp_end = 18
    config.backend.members = members()
    keep_promise(config)
    return config
