"""The types of simple machines, by their names."""

from collections.abc import Mapping

from asd_tf.data.simulation.simple.machine import Machine
from asd_tf.data.simulation.simple.rotating import FAN, GEARBOX
from asd_tf.data.simulation.simple.striking import BEARING, VALVE

MACHINES: Mapping[str, Machine] = {
    "bearing": BEARING,
    "fan": FAN,
    "gearbox": GEARBOX,
    "valve": VALVE,
}
