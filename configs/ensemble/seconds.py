"""The parts without training alone: seconds."""

import ml_collections
from asd_tf.configs.ensemble.paper import ensemble_of
from asd_tf.configs.frozen import quick as frozen
from asd_tf.configs.statistics import quick as statistics


def get_config() -> ml_collections.ConfigDict:
    return ensemble_of(statistics=statistics.get_config(), frozen=frozen.get_config())
