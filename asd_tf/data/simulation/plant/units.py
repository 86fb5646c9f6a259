"""The units of a plant: one machine of each section, and those of the factory around them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from asd_tf.data.simulation.machine import Fault, Settings
from asd_tf.data.simulation.plant.bodies import Modes, body_response, draw_modes
from asd_tf.data.simulation.plant.kind import Kind, Work
from asd_tf.data.simulation.plant.machines import KINDS
from asd_tf.data.simulation.plant.streams import stream
from asd_tf.data.simulation.signals import Clock, to_spectrum


@dataclasses.dataclass(frozen=True)
class Unit:
    """One machine.

    Attributes:
        kind: Its type.
        design: Its construction.
        modes: The modes of its body.
    """

    kind: Kind
    design: Any
    modes: Modes

    def sound(
        self,
        rngs: Mapping[str, np.random.Generator],
        axes: Clock,
        settings: Settings,
        fault: Fault,
    ) -> np.ndarray:
        """Returns the spectrum of its sound during one clip.

        Args:
            rngs: The generators `machine` and `fault`.
            axes: The clock.
            settings: Its settings.
            fault: Its condition.
        """
        work = Work(rngs["machine"], rngs["fault"], axes, self.design, settings, fault)
        return to_spectrum(self.kind.force(work)) * body_response(axes, self.modes)


def draw_unit(seed: int, machine: str, *name: str | int) -> Unit:
    """Draws the unit of a type that has a name, such as the number of its section."""
    kind, rng = KINDS[machine], stream(seed, "unit", machine, *name)
    return Unit(kind, kind.design(rng), draw_modes(rng, kind.modes_hz))
