"""Options of a simulated data set that every family has."""

import dataclasses
import math
from typing import Any, ClassVar

from asd_tf.config import check_choice
from asd_tf.data.simulation.machine import Settings
from asd_tf.errors import UsageError


def option(default: Any, description: str) -> Any:
    """Declares an option, which is also a flag of `asd-data simulate`."""
    return dataclasses.field(default=default, metadata={"help": description})


@dataclasses.dataclass(frozen=True)
class FamilyOptions:
    """Options of a data set; a family adds its own, and its machines.

    Raises:
        UsageError: If a value is out of its range.
    """

    family: ClassVar[str]
    # Machines that the family has, and ranges of the other options.
    known_machines: ClassVar[tuple[str, ...]]
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "sections": (1, 99),
        "seconds": (0.5, 60),
        "train_source": (0, math.inf),
        "train_target": (0, math.inf),
        "test_normal": (0, math.inf),
        "test_anomaly": (0, math.inf),
        "snr_db": (-60, 60),
        "seed": (0, math.inf),
    }

    machines: tuple[str, ...] = option((), "Machines; by default all of the family.")
    sections: int = option(2, "Sections of each machine: other units of its type.")
    seconds: float = option(10.0, "Length of a clip, 0.5 to 60.")
    train_source: int = option(90, "Training clips of the source domain, per section.")
    train_target: int = option(10, "Training clips of the target domain, per section.")
    test_normal: int = option(25, "Normal test clips, per section and domain.")
    test_anomaly: int = option(25, "Anomalous test clips, per section and domain.")
    snr_db: float = option(
        4.0, "Mean level of the machine over that of the factory in decibels; target: 2 dB less."
    )
    seed: int = option(0, "Seed of everything random.")

    def __post_init__(self):
        object.__setattr__(self, "machines", tuple(self.machines))
        for machine in self.machines:
            check_choice("machine", machine, self.known_machines)
        if not 0 < len(set(self.machines)) == len(self.machines):
            raise UsageError(f"machines={','.join(self.machines)}: name one or more, each once")
        for name, (least, most) in self.ranges.items():
            if not least <= getattr(self, name) <= most:
                raise UsageError(
                    f"{name}={getattr(self, name)}: must be at least {least}"
                    + (f" and at most {most}" if math.isfinite(most) else "")
                )

    def more_attributes(self, split: str, index: int) -> Settings:
        """Returns the attributes of a clip beside the settings of its machine."""
        return {}
