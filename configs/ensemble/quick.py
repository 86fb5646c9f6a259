"""Parts of the sizes of their quick recipes: minutes on two cores."""

import ml_collections
from asd_tf.configs.common import keep_promise
from asd_tf.configs.ensemble.paper import ensemble_of
from asd_tf.configs.frozen import quick as frozen
from asd_tf.configs.pae import quick as pae
from asd_tf.configs.statistics import quick as statistics
from asd_tf.configs.wilkinghoff import quick as wilkinghoff

_RECIPES = {"statistics": statistics, "frozen": frozen, "pae": pae, "wilkinghoff": wilkinghoff}

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    *(
        f"{name}.{assignment}"
        for name, recipe in _RECIPES.items()
        for assignment in recipe.TEST
        if not assignment.startswith(("calibration.", "data."))
    ),
    "fusion.pseudo_faults=20",
    "data.seconds=1.0",
    "calibration.held_out=0.5",
)


def get_config() -> ml_collections.ConfigDict:
    config = ensemble_of(**{name: recipe.get_config() for name, recipe in _RECIPES.items()})
    keep_promise(config)
    return config
