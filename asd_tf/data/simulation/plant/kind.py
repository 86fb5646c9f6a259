"""A type of machine of the plant: forces that act on a body."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from asd_tf.data.simulation.machine import Fault, Settings, combinations
from asd_tf.data.simulation.signals import Clock


@dataclasses.dataclass(frozen=True)
class Work:
    """One machine at work during one clip.

    Attributes:
        rng: Generator of all that a healthy machine needs.
        fault_rng: Generator of what only a fault needs, so that a fault of severity 0 leaves the
            machine as it is to the last bit.
        axes: The clock.
        design: What the type of machine draws once for each unit.
        settings: Its settings, as attributes of the clip.
        fault: Its condition.
    """

    rng: np.random.Generator
    fault_rng: np.random.Generator
    axes: Clock
    design: Any
    settings: Settings
    fault: Fault


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type of machine.

    Attributes:
        design: Draws the construction of a unit.
        force: Computes [samples] of the force on the body, in units of its usual root mean square.
        settings: Domain to the combinations of attribute values that occur in it.
        faults: Names of its faults.
        modes_hz: Range in which the modes of its body lie.
    """

    design: Callable[[np.random.Generator], Any]
    force: Callable[[Work], np.ndarray]
    settings: Mapping[str, Sequence[Settings]]
    faults: Sequence[str]
    modes_hz: tuple[float, float] = (200, 6000)


def by_domain(**values: tuple[Sequence[str], Sequence[str]]) -> dict[str, list[Settings]]:
    """Lists the settings of both domains, from pairs of source and target values.

    The target domain is at another place too, since machines are moved.
    """
    return {
        domain: combinations(**{name: pair[i] for name, pair in values.items()}, loc=(place,))
        for i, (domain, place) in enumerate((("source", "A"), ("target", "B")))
    }
