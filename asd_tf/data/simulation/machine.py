"""Types of simulated machines, and their faults."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from asd_tf.data.simulation.signals import Clock

Settings = dict[str, str]

# Relative standard deviation of a machine's rate from clip to clip at one setting.
RATE_JITTER = 5e-4


@dataclasses.dataclass(frozen=True)
class Fault:
    """The condition of a machine.

    Attributes:
        name: Name of the fault; None for a healthy machine.
        severity: Strength of the fault, about 1.
    """

    name: str | None = None
    severity: float = 0.0

    def __getitem__(self, name: str) -> float:
        """Returns the severity of the fault `name`: 0 unless the machine has this fault."""
        return self.severity if name == self.name else 0.0


@dataclasses.dataclass(frozen=True)
class Machine:
    """A type of machine.

    Attributes:
        sound: Function of (rng, axes, unit, settings, fault) that returns the spectrum of a clip
            with its lead-in, of any level.
        units: The geometry of the unit of each section.
        settings: Domain to the combinations of attribute values that occur in it.
        faults: Names of its faults.
    """

    sound: Callable[[np.random.Generator, Clock, Any, Settings, Fault], np.ndarray]
    units: Sequence[Any]
    settings: Mapping[str, Sequence[Settings]]
    faults: Sequence[str]


def combinations(**values: Sequence[str]) -> list[Settings]:
    """Lists all combinations of the values of some attributes."""
    return [
        dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
    ]
