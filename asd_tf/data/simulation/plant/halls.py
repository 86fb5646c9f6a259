"""Halls of a factory, and the machines that stand in them."""

import dataclasses
import functools
import threading
from collections.abc import Mapping

import numpy as np

from asd_tf.data.simulation.machine import Fault
from asd_tf.data.simulation.plant.machines import KINDS
from asd_tf.data.simulation.plant.rooms import Path, path_response
from asd_tf.data.simulation.plant.streams import stream
from asd_tf.data.simulation.plant.units import Unit, draw_unit
from asd_tf.data.simulation.signals import SAMPLE_RATE, clock, to_level, to_wave

NEIGHBORS = 5
# Where machines are recorded: one spot of the hall in each domain.
SPOTS = ("source", "target")
# Seconds of each neighbor that are computed; clips hear parts of them. Where the end meets the
# start, they are faded into each other.
LOOP_SECONDS, FADE_SECONDS = 24.0, 0.1
# Samples before a clip begins, in which bodies and rooms fill with sound.
LEAD_IN = 8000


@dataclasses.dataclass(frozen=True)
class Hall:
    """A hall with its machines, the same in all clips of a data set.

    Attributes:
        seed: Seed of the data set.
        size: Length, width and height in meters.
        decay: Seconds of reverberation.
        slope_db: Fall of its noise in decibels per octave.
        neighbors: Its machines.
        distances: Spot to the distances of the machines from there, in meters.
    """

    seed: int
    size: tuple[float, float, float]
    decay: float
    slope_db: float
    neighbors: tuple[Unit, ...]
    distances: Mapping[str, tuple[float, ...]]

    def path(self, source: str | int, distance: float, spot: str, microphone: str) -> Path:
        """Returns the path from a source in the hall to a microphone at a spot."""
        name = ("hall", spot, source, microphone)
        return Path(self.seed, name, distance, self.size, self.decay)


@functools.lru_cache(maxsize=8)
def draw_hall(seed: int) -> Hall:
    """Draws the hall of a data set."""
    rng = stream(seed, "hall")
    size = (rng.uniform(18, 40), rng.uniform(12, 25), rng.uniform(5, 9))
    kinds = rng.choice(sorted(KINDS), NEIGHBORS)
    neighbors = tuple(draw_unit(seed, kind, "hall", k) for k, kind in enumerate(kinds))
    distances = {spot: tuple(rng.uniform(4, 10, NEIGHBORS).tolist()) for spot in SPOTS}
    decay, slope_db = rng.uniform(0.8, 1.6), rng.uniform(3.0, 5.0)
    return Hall(seed, size, decay, slope_db, neighbors, distances)


def hear_neighbor(
    hall: Hall, number: int, spot: str, microphone: str, start: float, samples: int
) -> np.ndarray:
    """Returns a part of the sound of a neighbor at a microphone, the softer the farther it is.

    Args:
        hall: The hall.
        number: Number of the neighbor.
        spot: The spot of the microphone.
        microphone: Name of the microphone.
        start: Where the part starts, as a share of what there is of the neighbor.
        samples: Length of the part.

    Returns:
        [samples] of unit root mean square if the neighbor is 6 m away.
    """
    with _computing:
        loop = _loop(hall.seed, number, spot, microphone)
    places = np.arange(round(start * len(loop)), round(start * len(loop)) + samples)
    return np.take(loop, places, mode="wrap")


# Threads wait for the one that computes what is heard of a neighbor, and share it.
_computing = threading.Lock()


@functools.lru_cache(maxsize=4 * NEIGHBORS)
def _loop(seed, number, spot, microphone):
    """Computes what is heard of a neighbor, so that its end fits its start."""
    hall = draw_hall(seed)
    unit, rng = hall.neighbors[number], stream(seed, "neighbor", number)
    samples, fade = round(LOOP_SECONDS * SAMPLE_RATE), round(FADE_SECONDS * SAMPLE_RATE)
    axes = clock(samples + fade, LEAD_IN)
    settings = unit.kind.settings["source"]
    chosen = settings[rng.integers(len(settings))]
    sound = unit.sound({"machine": rng, "fault": rng}, axes, chosen, Fault())
    distance = hall.distances[spot][number]
    path = hall.path(number, distance, spot, microphone)
    # Not from the cache of paths: a response of this length is used once.
    wave = to_wave(sound * path_response.__wrapped__(axes, path), axes)[-samples - fade :]
    rising = np.linspace(0, 1, fade, dtype=np.float32)
    wave[:fade] = wave[:fade] * np.sqrt(rising) + wave[samples:] * np.sqrt(1 - rising)
    loop = to_level(wave[:samples], 6 / distance)
    loop.setflags(write=False)  # it is cached
    return loop
