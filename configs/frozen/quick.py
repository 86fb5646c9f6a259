"""An early layer of speech_embedding, compared by whitened nearest neighbors; seconds."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.frozen import paper

# Overrides with which the shared test of all methods takes seconds, also where no weights are
# installed.
TEST = ("encoder.pretrained=none", "data.seconds=0.5")


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.encoder.layer = 10
    config.pooling.bands = "keep"
    config.backend.normalize = "none"
    config.backend.members = ml_collections.ConfigDict(
        {
            "nearest": {
                "estimator": "WhitenedNearest",
                "domain": "all",
                "params": {"equalization": 0.0},
            }
        }
    )
    keep_promise(config)
    return config
