"""Where a machine stands and where it is recorded from."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.clip import SimulatedClip
from asd_tf.data.simulation.plant.halls import Hall
from asd_tf.data.simulation.plant.microphones import microphone_response
from asd_tf.data.simulation.plant.rooms import Path, path_response
from asd_tf.data.simulation.plant.streams import stream
from asd_tf.data.simulation.signals import Clock

MICROPHONES = ("near", "far")
# Root mean square of a machine at its near microphone.
LEVEL = 0.012


@dataclasses.dataclass(frozen=True)
class Place:
    """The place of one machine in one session.

    Attributes:
        paths: The path to each microphone.
        level: Root mean square of the machine at the first one.
        session: Name of the recording session, part of what decides the microphones' responses.
        name: Machine, section and domain.
    """

    paths: tuple[Path, ...]
    level: float
    session: str
    name: tuple[str | int, ...]

    def response(self, axes: Clock, number: int) -> np.ndarray:
        """Returns the response from the machine to a microphone; direct sound is 1 at the near."""
        path = self.paths[number]
        return path_response(axes, path) * np.float32(self.paths[0].distance / path.distance)

    def microphone(self, axes: Clock, number: int) -> np.ndarray:
        """Returns the response of a microphone."""
        return microphone_response(axes, self.paths[0].seed, MICROPHONES[number], *self.name[:2])


def draw_place(clip: SimulatedClip, hall: Hall, microphones: int) -> Place:
    """Draws the place of a clip: one for each section and domain, with its sessions near to it."""
    name = (clip.machine, clip.section, clip.domain)
    rng = stream(hall.seed, "place", *name)
    near, far = rng.uniform(0.6, 1.2), rng.uniform(3.0, 6.0)
    gain_db, nudge = rng.normal(0, 1.0), np.zeros(3)
    session = clip.more.get("ses", "")
    if session:
        moved = stream(hall.seed, "session", *name, session)
        gain_db += moved.normal(0, 1.2)
        nudge = moved.normal(0, 0.08, 3)
    paths = tuple(
        Path(
            hall.seed, ("place", *name, which), distance, hall.size, hall.decay,
            tuple(nudge.tolist()),
        )
        for which, distance in zip(MICROPHONES[:microphones], (near, far), strict=False)
    )  # fmt: skip
    return Place(paths, LEVEL * 10 ** (gain_db / 20), session, name)
