"""The k-means centers scaled to length 1, as in the published code of 30 September 2022."""

import ml_collections
from asd_tf.configs.wilkinghoff import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.backend.members.centers.params.normalize_centers = True
    return config
