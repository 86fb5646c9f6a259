"""The compressor: a piston with valves, a belt and a tank."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.plant.forces.flow import flow, leak
from asd_tf.data.simulation.plant.forces.rotation import heard, motor, multiples, pattern, shaft
from asd_tf.data.simulation.plant.forces.striking import knocks, strokes
from asd_tf.data.simulation.plant.kind import Kind, Work, by_domain
from asd_tf.data.simulation.signals import cosine, passing_times


@dataclasses.dataclass(frozen=True)
class Compressor:
    """Construction of a compressor."""

    belt: float
    valve_heights: tuple[float, float]
    pulses: tuple[complex, ...]
    intake_hz: float


def design(rng: np.random.Generator) -> Compressor:
    """Draws a compressor."""
    heights = tuple(rng.uniform(0.5, 1.2, 2).tolist())
    return Compressor(rng.uniform(2.2, 3.4), heights, pattern(rng, 24, 0.6), rng.uniform(700, 1500))


def force(work: Work) -> np.ndarray:
    """Computes suction and delivery valves that strike once a turn, pulses of gas, and the motor.

    The pressure in the tank decides when the delivery valve opens.

    Faults: a delivery `valve` that flutters; a `leak` of the tank; a worn pin that `knocks` as the
    piston turns back; a `belt` that slaps and slips; a `clogged` intake with duller breath.
    """
    unit, fault = work.design, work.fault
    pressure, clogged = float(work.settings["bar"]), fault["clogged"]
    crank = shaft(work, float(work.settings["spd"]) / 60, slowed=0.02 * fault["belt"])
    pulses = heard(work, unit.pulses, 0.05 * (pressure - 6))
    wave = 0.7 * crank.lines(multiples(pulses, 1))
    wave += 0.35 * motor(work, crank.geared(unit.belt), 36)
    for angle, height in zip((0.02, 0.3 + 0.02 * pressure), unit.valve_heights, strict=True):
        times = passing_times(crank.turns - angle, work.axes, 1)
        wave += 5 * height * strokes(work.rng, work.axes, times)
        if fault["valve"]:
            again = times + work.fault_rng.uniform(0.008, 0.02)
            wave += 25 * fault["valve"] * height * strokes(work.fault_rng, work.axes, again)
    breath = np.maximum(cosine(crank.turns + 0.25), 0) + np.float32(0.1)
    wave += (1.1 - 0.4 * clogged) * flow(work, unit.intake_hz * (1 - 0.5 * clogged)) * breath
    wave = wave + leak(work, "leak") + knocks(work, crank, "knocks", 2.0)
    return wave + knocks(work, crank.geared(unit.belt / 6), "belt", 1.0)


COMPRESSOR = Kind(
    design,
    force,
    settings=by_domain(spd=(("620", "780"), ("700",)), bar=(("4", "8"), ("6",))),
    faults=("valve", "leak", "knocks", "belt", "clogged"),
    modes_hz=(150, 5000),
)
