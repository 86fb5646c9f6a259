"""The types of machines of a plant; a new one is a file here and a line in `KINDS`."""

from collections.abc import Mapping

from asd_tf.data.simulation.plant.kind import Kind
from asd_tf.data.simulation.plant.machines.bearing import BEARING
from asd_tf.data.simulation.plant.machines.compressor import COMPRESSOR
from asd_tf.data.simulation.plant.machines.conveyor import CONVEYOR
from asd_tf.data.simulation.plant.machines.fan import FAN
from asd_tf.data.simulation.plant.machines.gearbox import GEARBOX
from asd_tf.data.simulation.plant.machines.pump import PUMP
from asd_tf.data.simulation.plant.machines.slider import SLIDER
from asd_tf.data.simulation.plant.machines.valve import VALVE

KINDS: Mapping[str, Kind] = {
    "bearing": BEARING,
    "compressor": COMPRESSOR,
    "conveyor": CONVEYOR,
    "fan": FAN,
    "gearbox": GEARBOX,
    "pump": PUMP,
    "slider": SLIDER,
    "valve": VALVE,
}
