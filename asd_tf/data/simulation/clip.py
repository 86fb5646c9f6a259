"""The identity of a simulated clip."""

import dataclasses
from pathlib import Path

from asd_tf.data.simulation.machine import MachineType, Settings


@dataclasses.dataclass(frozen=True)
class SimulatedClip:
    """A clip of a simulated data set.

    Attributes:
        machine: Type of machine.
        section: Number of the unit, from 0.
        split: train or test.
        domain: source or target.
        label: normal or anomaly.
        index: Number of the clip, from 0, among those that agree in all of the above.
        settings: Settings of the machine.
        fault: Fault of an anomalous clip; None of a normal one.
        more: Other attributes, such as the session.
    """

    machine: str
    section: int
    split: str
    domain: str
    label: str
    index: int
    settings: Settings
    fault: str | None
    more: Settings = dataclasses.field(default_factory=dict)

    @property
    def attributes(self) -> Settings:
        """All attributes, in the order in which they are named."""
        return {**self.settings, **self.more}

    @property
    def path(self) -> Path:
        """The path of the file below the data folder."""
        text = "_".join(f"{name}_{value}" for name, value in self.attributes.items())
        name = (
            f"section_{self.section:02d}_{self.domain}_{self.split}_{self.label}_"
            f"{self.index:04d}_{text}.wav"
        )
        return Path("dev_data", self.machine, self.split, name)


def settings_of(kind: MachineType, domain: str, index: int) -> Settings:
    """Returns the settings of a clip: one combination of the domain after the other."""
    combinations = kind.settings[domain]
    return combinations[index % len(combinations)]


def fault_of(kind: MachineType, domain: str, index: int) -> str:
    """Returns the fault of an anomalous clip: one after the other, each with all settings."""
    return kind.faults[index // len(kind.settings[domain]) % len(kind.faults)]
