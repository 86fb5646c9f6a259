"""Forces of what strikes: defects of bearings, loose parts, belts, strokes."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.plant.forces.rotation import Shaft
from asd_tf.data.simulation.plant.kind import Work
from asd_tf.data.simulation.signals import Clock, impacts, passing_times, to_level


@dataclasses.dataclass(frozen=True)
class Bearing:
    """Geometry of a rolling bearing.

    Attributes:
        balls: Number n of balls.
        ratio: d / D cos a, with the diameters d of a ball and D of the pitch circle and the angle a
            of contact.
    """

    balls: int
    ratio: float

    def strikes_a_turn(self, part: str) -> float:
        """Returns how often a pit strikes: n/2 (1 -+ r) on the races, 1/r - r on a ball."""
        if part == "ball":
            return 1 / self.ratio - self.ratio
        return self.balls / 2 * (1 + self.ratio if part == "inner" else 1 - self.ratio)

    @property
    def cage_rate(self) -> float:
        """Turns of the cage for one turn of the shaft."""
        return (1 - self.ratio) / 2


def draw_bearing(rng: np.random.Generator) -> Bearing:
    """Draws a bearing."""
    return Bearing(int(rng.integers(7, 14)), float(rng.uniform(0.18, 0.32)))


def pit(
    work: Work, shaft: Shaft, bearing: Bearing, name: str, part: str, strength: float = 4.0
) -> np.ndarray | float:
    """Returns the strikes of a pit in a bearing, if the machine has the fault `name`.

    Args:
        work: The machine at work.
        shaft: The shaft in the bearing.
        bearing: Its geometry.
        name: The fault.
        part: Where the pit is: outer, inner or ball. One on the inner race strikes hardest in the
            loaded zone, one on a ball as the cage brings it there.
        strength: Root mean square at severity 1.
    """
    severity, rng = work.fault[name], work.fault_rng
    if not severity:
        return 0.0
    times = passing_times(shaft.turns + rng.uniform(), work.axes, bearing.strikes_a_turn(part))
    zone_rate = {"outer": 0.0, "inner": 1.0, "ball": bearing.cage_rate}[part]
    turns = np.interp(times, work.axes.time, shaft.turns)
    load = 1 + 0.7 * np.cos(2 * np.pi * zone_rate * turns) * (zone_rate > 0)
    # Balls slip, so that the intervals are never quite equal.
    gap = 1 / (bearing.strikes_a_turn(part) * shaft.rate)
    times = times + rng.normal(0, 0.015, len(times)) * gap
    strikes = impacts(work.axes, times, load * rng.lognormal(0, 0.25, len(times)))
    return to_level(strikes, strength * severity)


def knocks(
    work: Work, shaft: Shaft, name: str, a_turn: float = 1.0, strength: float = 4.0
) -> np.ndarray | float:
    """Returns the knocks of a loose or broken part, if the machine has the fault `name`.

    It strikes at an angle of the shaft that varies a little, and leaves out some turns.
    """
    severity, rng = work.fault[name], work.fault_rng
    if not severity:
        return 0.0
    times = passing_times(shaft.turns + rng.uniform(), work.axes, a_turn)
    times = times + rng.normal(0, 0.02, len(times)) / (shaft.rate * a_turn)
    strengths = rng.lognormal(0, 0.5, len(times)) * (rng.uniform(size=len(times)) < 0.8)
    return to_level(impacts(work.axes, times, strengths), strength * severity)


def strokes(
    rng: np.random.Generator, axes: Clock, times: np.ndarray, height: np.ndarray | float = 1.0
) -> np.ndarray:
    """Draws strokes of about the given height at given times, each a few contacts within 3 ms."""
    height = height * rng.lognormal(0, 0.15, len(times))
    wave = np.zeros(axes.samples, np.float32)
    for delay, part in ((0.0, 1.0), (0.0012, -0.5), (0.003, 0.3)):
        wave += impacts(axes, times + delay, part * height)
    return wave
