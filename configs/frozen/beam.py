"""Each band of frequencies has a nearest neighbor of its own (BEAM, arXiv 2603.13749).

The bands are those of a convolution of speech_embedding. For BEATs, whose tokens have eight:
--set backend.members.bands.params.bands=8.
"""

import ml_collections
from asd_tf.configs.frozen import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.encoder.layer = 14  # it has four bands
    config.pooling.bands = "keep"
    config.backend.normalize = "none"
    config.backend.members = ml_collections.ConfigDict(
        {"bands": {"estimator": "SubBandNearest", "domain": "all", "params": {"bands": 4}}}
    )
    return config
