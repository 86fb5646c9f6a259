"""Options of a data set of simple machines."""

import dataclasses
from typing import ClassVar

from asd_tf.data.simulation.options import FamilyOptions, option
from asd_tf.data.simulation.simple.machines import MACHINES


@dataclasses.dataclass(frozen=True)
class SimpleOptions(FamilyOptions):
    """Options of simple machines; every field is a flag of `asd-data simulate`."""

    family: ClassVar[str] = "simple"
    known_machines: ClassVar[tuple[str, ...]] = tuple(MACHINES)
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        **FamilyOptions.ranges,
        "sections": (1, min(len(machine.units) for machine in MACHINES.values())),
    }

    machines: tuple[str, ...] = option(tuple(MACHINES), f"Machines, of {', '.join(MACHINES)}.")
    sections: int = option(2, "Sections of each machine: other units of its type, 1 to 3.")
    seconds: float = option(2.0, "Length of a clip, 0.5 to 60.")
