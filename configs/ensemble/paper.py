"""Parts of the published sizes. There is no paper: the fusion is this project's own.

That of `frozen` is its recipe `quick`, which has one backend: it is not trained in either.
"""

import ml_collections
from asd_tf.configs.common import calibration_section, data_section
from asd_tf.configs.frozen import quick as frozen
from asd_tf.configs.pae import paper as pae
from asd_tf.configs.statistics import paper as statistics
from asd_tf.configs.wilkinghoff import paper as wilkinghoff


def get_config() -> ml_collections.ConfigDict:
    return ensemble_of(
        statistics=statistics.get_config(),
        frozen=frozen.get_config(),
        pae=pae.get_config(),
        wilkinghoff=wilkinghoff.get_config(),
    )


def ensemble_of(**recipes: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    """Puts the recipes of methods into one, each in a section of the method's name.

    Args:
        **recipes: Name of a method to a recipe of it. Its section `data` is not used.
    """
    config = ml_collections.ConfigDict()
    config.data = data_section(seconds=None)
    # Methods by name. What cannot learn from the data is left out, and said.
    config.parts = tuple(recipes)
    for name, recipe in recipes.items():
        own = {key: recipe[key] for key in recipe if key not in ("data", "calibration")}
        config[name] = ml_collections.ConfigDict(own)
    config.fusion = ml_collections.ConfigDict(
        {
            "rule": "max",  # of the standardized scores; or sum, mean
            # pseudo_faults: of each machine, by how well a part finds them; or equal.
            "weights": "pseudo_faults",
            "pseudo_faults": 100,  # of a machine, at most: each clip once for each kind
        }
    )
    # Of each machine, section and domain, this share of the recordings is held out of the training
    # of networks. Scores are standardized, weighted and given thresholds by these.
    config.calibration = calibration_section(held_out=0.2)
    return config
