"""The families of simulated machines, by their names; a new family is registered here."""

from collections.abc import Mapping

from asd_tf.data.simulation.family import Family
from asd_tf.data.simulation.plant.family import PLANT
from asd_tf.data.simulation.simple.family import SIMPLE

FAMILIES: Mapping[str, Family] = {"simple": SIMPLE, "plant": PLANT}
# The family that is made where none is named.
DEFAULT_FAMILY = "simple"
