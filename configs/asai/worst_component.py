"""The report's wording of the source score: the largest negative log-likelihood of a component."""

import ml_collections
from asd_tf.configs.asai import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.backend.members.source.params.density = "worst_component"
    return config
