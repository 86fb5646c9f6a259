"""Types of simple machines."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from asd_tf.data.simulation.machine import Fault, Settings
from asd_tf.data.simulation.signals import Clock

# Relative standard deviation of a machine's rate from clip to clip at one setting.
RATE_JITTER = 5e-4


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
