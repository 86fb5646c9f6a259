"""One autoencoder a machine in minutes on two cores: a smaller network and fewer steps."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.kuroyanagi_ae import baseline_ae
from ml_collections import config_dict

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    "train.epochs=2",
    "train.steps_per_epoch=1",
    "train.batch_size=4",
    "network.blocks=1",
    "network.width=8",
    "network.heads=2",
    "network.kernel=3",
    "frontend.n_mels=16",
    "replicas.count=2",
    "data.seconds=0.5",
)


def get_config() -> ml_collections.ConfigDict:
    config = baseline_ae.get_config()
    config.data.seconds = config_dict.placeholder(float)
    config.data.max_seconds = 3.0  # a step on ten seconds takes sixteen times as long as on two
    config.frontend.n_mels = 64
    config.network.blocks = 2
    config.network.width = 48
    config.network.kernel = 7
    config.masks.time_masks = 10  # 50 would leave little of clips of two seconds
    config.masks.frequency_widths = (0, 5)  # of half the bands
    config.train.epochs = 10
    config.train.steps_per_epoch = 60
    config.train.batch_size = 32
    config.train.warmup_steps = 150
    config.replicas.count = 4
    keep_promise(config)
    return config
