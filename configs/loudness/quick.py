"""The plain setting, with thresholds that are meant to hold in both domains."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.loudness import paper

# Overrides with which the shared test of all methods takes seconds.
TEST = ("data.seconds=0.5",)


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    keep_promise(config)
    return config
