"""One small residual network a section in minutes on two cores: shorter crops, fewer steps."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.kuroyanagi_bc import baseline_bc
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    "train.epochs=1",
    "train.steps_per_epoch=2",
    "train.batch_size=4",
    "target.epochs=1",
    "target.steps_per_epoch=1",
    "target.clips=2",
    "network.width=4",
    "network.blocks=(1,)",
    "network.embedding=8",
    "frontend.n_mels=32",
    "crop.frames=24",
    "crop.num_eval_crops=2",
    "data.seconds=0.5",
)


def get_config() -> ml_collections.ConfigDict:
    config = baseline_bc.get_config()
    config.data.seconds = config_dict.placeholder(float)
    config.frontend.n_mels = 64
    config.frontend.frame_length = 1024
    config.frontend.frame_step = 256
    config.crop.frames = 64
    config.crop.num_eval_crops = 4
    config.network.width = 16
    config.network.blocks = (1, 1, 1, 1)
    config.augmentation.noise = 0.5  # as in the ensemble
    config.augmentation.volume = 0.5
    config.train.epochs = 6
    config.train.steps_per_epoch = 40
    config.target.epochs = 2
    config.target.steps_per_epoch = 15
    keep_promise(config)
    return config
