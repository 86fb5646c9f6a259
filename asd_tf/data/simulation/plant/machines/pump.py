"""The pump: an impeller in water, a motor and a coupling."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.plant.forces.flow import cavitation, flow, leak
from asd_tf.data.simulation.plant.forces.rotation import heard, motor, multiples, pattern, shaft
from asd_tf.data.simulation.plant.forces.striking import Bearing, draw_bearing, pit
from asd_tf.data.simulation.plant.kind import Kind, Work, by_domain
from asd_tf.data.simulation.signals import cosine


@dataclasses.dataclass(frozen=True)
class Pump:
    """Construction of a pump."""

    vanes: int
    slots: int
    bearing: Bearing
    lines: tuple[complex, ...]
    coupling: tuple[complex, ...]
    water_hz: float


def design(rng: np.random.Generator) -> Pump:
    """Draws a pump."""
    return Pump(
        int(rng.integers(5, 9)), int(rng.choice([24, 30, 36])), draw_bearing(rng),
        pattern(rng, 10, 0.8), pattern(rng, 5, 0.8), rng.uniform(900, 2200),
    )  # fmt: skip


def force(work: Work) -> np.ndarray:
    """Computes the lines of the vanes, of coupling and motor, and the noise of the flow.

    Faults: `cavitation`; a pit in a `bearing`; a `leak` that hisses; a `misaligned` coupling, which
    pushes twice a turn; a `worn` impeller, whose lines are weaker and whose flow is rougher.
    """
    pump, fault = work.design, work.fault
    valve, worn, twisted = float(work.settings["vlv"]), fault["worn"], fault["misaligned"]
    axle = shaft(work, float(work.settings["spd"]) / 60)
    lines = heard(work, pump.lines) * (1 - 0.7 * worn * (np.arange(10) % 2))
    wave = (0.5 + 0.1 * valve) * axle.lines(multiples(lines, pump.vanes, {1: 0.2 + 0.6 * worn}))
    coupling = heard(work, pump.coupling) * (1 + twisted * np.array([0, 6, 0, 4, 0]))
    wave += 0.25 * (1 + 8 * twisted) * axle.lines(multiples(coupling, 1))
    wave += 0.4 * motor(work, axle, pump.slots)
    if twisted:
        wave = wave * (1 + 2 * twisted * cosine(2 * axle.turns))
    water = flow(work, pump.water_hz * (1.3 - 0.15 * valve) * axle.rate / 48)
    wave += (0.9 - 0.15 * valve + 1.5 * worn) * water
    wave = wave + cavitation(work, axle.turns, pump.vanes) + leak(work, "leak")
    return wave + pit(work, axle, pump.bearing, "bearing", "inner")


PUMP = Kind(
    design,
    force,
    settings=by_domain(spd=(("2850", "2600"), ("2720",)), vlv=(("1", "3"), ("2",))),
    faults=("cavitation", "bearing", "leak", "misaligned", "worn"),
)
