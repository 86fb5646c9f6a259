"""The row "PAE+GeCo (multi)" of Table 1: the gamma that the paper prints for each machine.

They were chosen on the labels of the test clips.
"""

import ml_collections
from asd_tf.configs.geco import paper


def get_config() -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.fusion.gamma = "published"
    return config
