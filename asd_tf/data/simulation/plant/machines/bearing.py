"""The bearing: a spindle on a test bench."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.plant.forces.flow import flow, leak
from asd_tf.data.simulation.plant.forces.rotation import motor, shaft
from asd_tf.data.simulation.plant.forces.striking import Bearing, draw_bearing, pit
from asd_tf.data.simulation.plant.kind import Kind, Work, by_domain
from asd_tf.data.simulation.signals import cosine, impacts, passing_times, to_level


@dataclasses.dataclass(frozen=True)
class Spindle:
    """Construction of a spindle."""

    slots: int
    bearing: Bearing
    rolling_hz: float


def design(rng: np.random.Generator) -> Spindle:
    """Draws a spindle."""
    return Spindle(int(rng.choice([24, 28, 36])), draw_bearing(rng), rng.uniform(1200, 2800))


def force(work: Work) -> np.ndarray:
    """Computes the rolling of balls on races that are never perfect, and the motor.

    Faults: a pit on the `outer` or `inner` race or on a `ball`; a `dry` bearing, which hisses with
    the turns of its cage.
    """
    spindle, bearing = work.design, work.design.bearing
    load = float(work.settings["load"])
    axle = shaft(work, float(work.settings["spd"]) / 60, slowed=0.004 * work.fault["dry"])
    wave = 0.7 * motor(work, axle, spindle.slots)
    wave += (0.5 + 0.15 * load) * flow(work, spindle.rolling_hz * axle.rate / 28)
    # Balls enter the loaded zone one by one, also of a healthy bearing.
    times = passing_times(axle.turns, work.axes, bearing.strikes_a_turn("outer"))
    waviness = work.rng.lognormal(0, 0.6, len(times))
    wave += to_level(impacts(work.axes, times, waviness), 0.25 + 0.05 * load)
    dry = leak(work, "dry", 3000)
    if work.fault["dry"]:
        dry = dry * (1 + 0.8 * cosine(bearing.cage_rate * axle.turns))
    for part in ("outer", "inner", "ball"):
        wave = wave + pit(work, axle, bearing, part, part)
    return wave + dry


BEARING = Kind(
    design,
    force,
    settings=by_domain(spd=(("1440", "1860"), ("1620",)), load=(("1", "3"), ("2",))),
    faults=("outer", "inner", "ball", "dry"),
    modes_hz=(400, 7000),
)
