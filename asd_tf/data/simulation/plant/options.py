"""Options of a data set of a plant."""

import dataclasses
from typing import ClassVar

from asd_tf.data.simulation.machine import Settings
from asd_tf.data.simulation.options import FamilyOptions, option
from asd_tf.data.simulation.plant.machines import KINDS


@dataclasses.dataclass(frozen=True)
class PlantOptions(FamilyOptions):
    """Options of a plant; every field is a flag of `asd-data simulate`."""

    family: ClassVar[str] = "plant"
    known_machines: ClassVar[tuple[str, ...]] = tuple(KINDS)
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        **FamilyOptions.ranges,
        "seconds": (0.5, 600),
        "snr_spread_db": (0, 30),
        "sessions": (0, 99),
        "microphones": (1, 2),
    }

    machines: tuple[str, ...] = option(tuple(KINDS), f"Machines, of {', '.join(KINDS)}.")
    seconds: float = option(10.0, "Length of a clip, 0.5 to 600.")
    snr_db: float = option(
        2.5,
        "Mean level of the machine over that of the factory in decibels (at the near microphone).",
    )
    snr_spread_db: float = option(
        7.5, "Clips are spread evenly over snr_db plus and minus so many decibels."
    )
    sessions: int = option(
        0,
        "Recording sessions of the training clips of a section and domain, and as many others of "
        "the test clips; each has the microphone a little elsewhere. 0: none, nothing is moved.",
    )
    microphones: int = option(1, "Microphones: 1 (near) or 2 (channels near and far).")

    def more_attributes(self, split: str, index: int) -> Settings:
        """Returns the session of a clip, if there are several."""
        if not self.sessions:
            return {}
        number = index % self.sessions + (self.sessions if split == "test" else 0)
        return {"ses": f"{number:02d}"}
