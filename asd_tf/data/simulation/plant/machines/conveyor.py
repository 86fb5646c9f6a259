"""The conveyor: a belt over rollers, driven by a geared motor."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.plant.forces.flow import flow, squeal
from asd_tf.data.simulation.plant.forces.rotation import heard, motor, multiples, pattern, shaft
from asd_tf.data.simulation.plant.forces.striking import Bearing, draw_bearing, knocks, pit
from asd_tf.data.simulation.plant.kind import Kind, Work, by_domain
from asd_tf.data.simulation.signals import cosine, impacts, passing_times, to_level


@dataclasses.dataclass(frozen=True)
class Conveyor:
    """Construction of a conveyor."""

    ratio: float
    teeth: int
    rollers: tuple[float, ...]
    bearing: Bearing
    lines: tuple[complex, ...]
    rolling_hz: float


def design(rng: np.random.Generator) -> Conveyor:
    """Draws a conveyor."""
    rollers = tuple(rng.uniform(0.8, 2.2, 5).tolist())
    return Conveyor(
        rng.uniform(9, 14), int(rng.integers(17, 30)), rollers, draw_bearing(rng),
        pattern(rng, 8, 0.8), rng.uniform(500, 1100),
    )  # fmt: skip


def force(work: Work) -> np.ndarray:
    """Computes the motor and its gear, rollers that rattle, and the rolling of goods.

    Faults: a pit in the `bearing` of a roller; a torn `joint` of the belt that slaps over each
    roller; a belt that runs `askew` and scrapes; a `loose` chain; a belt that is `dry`.
    """
    unit, fault, rng = work.design, work.fault, work.rng
    load = float(work.settings["load"])
    drive = shaft(work, float(work.settings["spd"]) / 60, slowed=0.006 * fault["askew"])
    drum = drive.geared(1 / unit.ratio)
    wave = 0.5 * motor(work, drive, 24)
    gear = multiples(heard(work, unit.lines, 0.1 * (load - 2)), unit.teeth, {1: 0.3})
    wave += 0.45 * drive.lines(gear)
    rattle = np.zeros_like(wave)
    for rate in unit.rollers:
        times = passing_times(drum.turns * rate + rng.uniform(), work.axes, 2)
        rattle += impacts(work.axes, times, rng.lognormal(-0.3 * (load - 2), 0.6, len(times)))
    wave += to_level(rattle, 0.4)
    wave += (0.4 + 0.15 * load) * flow(work, unit.rolling_hz * (1 + 0.1 * load))
    if fault["askew"]:
        scrape = _scraping(work)
        wave += 3 * fault["askew"] * scrape * (1 + 0.8 * cosine(drum.turns / 4))
    roller = drum.geared(4 * unit.rollers[0])
    wave = wave + pit(work, roller, unit.bearing, "bearing", "outer")
    wave = wave + knocks(work, drum, "joint", 1.5) + knocks(work, drive, "loose", 1.0)
    return wave + squeal(work, "dry")


def _scraping(work: Work) -> np.ndarray:
    """Draws the noise of an edge that scrapes along a rail."""
    return flow(dataclasses.replace(work, rng=work.fault_rng), 2600, 1.0)


CONVEYOR = Kind(
    design,
    force,
    settings=by_domain(spd=(("1350", "1700"), ("1520",)), load=(("1", "3"), ("2",))),
    faults=("bearing", "joint", "askew", "loose", "dry"),
    modes_hz=(180, 5000),
)
