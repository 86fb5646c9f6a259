"""What every type of simulated machine has: settings, and faults."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Protocol

Settings = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Fault:
    """The condition of a machine.

    Attributes:
        name: Name of the fault; None for a healthy machine.
        severity: Strength of the fault, from 0 (healthy) to about 1.
    """

    name: str | None = None
    severity: float = 0.0

    def __getitem__(self, name: str) -> float:
        """Returns the severity of the fault `name`: 0 unless the machine has this fault."""
        return self.severity if name == self.name else 0.0


class MachineType(Protocol):
    """A type of machine of any family.

    Attributes:
        settings: Domain to the combinations of attribute values that occur in it.
        faults: Names of its faults.
    """

    @property
    def settings(self) -> Mapping[str, Sequence[Settings]]: ...  # noqa: D102

    @property
    def faults(self) -> Sequence[str]: ...  # noqa: D102


def combinations(**values: Sequence[str]) -> list[Settings]:
    """Lists all combinations of the values of some attributes."""
    return [
        dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
    ]
