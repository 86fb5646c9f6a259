"""The fan: blades, a motor and the air that they move."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.plant.forces.flow import flow
from asd_tf.data.simulation.plant.forces.rotation import heard, motor, multiples, pattern, shaft
from asd_tf.data.simulation.plant.forces.striking import Bearing, draw_bearing, knocks, pit
from asd_tf.data.simulation.plant.kind import Kind, Work, by_domain
from asd_tf.data.simulation.signals import cosine


@dataclasses.dataclass(frozen=True)
class Fan:
    """Construction of a fan."""

    blades: int
    slots: int
    bearing: Bearing
    lines: tuple[complex, ...]
    air_hz: float


def design(rng: np.random.Generator) -> Fan:
    """Draws a fan."""
    blades, slots = int(rng.integers(6, 15)), int(rng.choice([24, 28, 36]))
    return Fan(blades, slots, draw_bearing(rng), pattern(rng, 12, 0.7), rng.uniform(500, 1200))


def force(work: Work) -> np.ndarray:
    """Computes the lines of the blades, the motor, and turbulence that load makes stronger.

    Faults: `imbalance` shakes the shaft and makes the blade lines throb with each turn; a pit in a
    `bearing`; a `loose` guard that knocks; a `clogged` inlet, whose flow is duller and surges.
    """
    fan, fault = work.design, work.fault
    load, clogged = float(work.settings["load"]), fault["clogged"]
    axle = shaft(work, float(work.settings["spd"]) / 60, slowed=-0.01 * clogged)
    sides = {1: 0.15 + 2 * fault["imbalance"]}
    lines = heard(work, fan.lines, 0.1 * (load - 2))
    wave = 0.7 * axle.lines(multiples(lines, fan.blades, sides))
    wave += 0.4 * motor(work, axle, fan.slots, fault["imbalance"])
    passing = cosine(fan.blades * axle.turns)
    air = flow(work, fan.air_hz * (1 + 0.2 * load) * (axle.rate / 22) * (1 - 0.5 * clogged))
    wave += (0.6 + 0.2 * load) * air * (1 + 0.3 * passing)
    if clogged:
        surge = cosine(work.fault_rng.uniform(2, 6) * work.axes.time + work.fault_rng.uniform())
        wave = wave * (1 + 0.9 * clogged * surge)
    return wave + pit(work, axle, fan.bearing, "bearing", "outer") + knocks(work, axle, "loose")


FAN = Kind(
    design,
    force,
    settings=by_domain(spd=(("1200", "1500"), ("1380",)), load=(("1", "3"), ("2",))),
    faults=("imbalance", "bearing", "loose", "clogged"),
)
