"""The gearbox: two stages of wheels in mesh."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.plant.forces.flow import flow, squeal
from asd_tf.data.simulation.plant.forces.rotation import heard, motor, multiples, pattern, shaft
from asd_tf.data.simulation.plant.forces.striking import Bearing, draw_bearing, knocks, pit
from asd_tf.data.simulation.plant.kind import Kind, Work, by_domain
from asd_tf.data.simulation.signals import cosine


@dataclasses.dataclass(frozen=True)
class Gearbox:
    """Construction of a gearbox: teeth of both pairs of wheels, and the rest."""

    first: tuple[int, int]
    second: tuple[int, int]
    bearing: Bearing
    lines: tuple[tuple[complex, ...], tuple[complex, ...]]


def design(rng: np.random.Generator) -> Gearbox:
    """Draws a gearbox."""
    first = (int(rng.integers(19, 32)), int(rng.integers(41, 60)))
    second = (int(rng.integers(15, 26)), int(rng.integers(37, 56)))
    lines = (pattern(rng, 8, 0.8), pattern(rng, 10, 0.7))
    return Gearbox(first, second, draw_bearing(rng), lines)


def force(work: Work) -> np.ndarray:
    """Computes the lines of both meshes with sidebands of shafts that run out, and oil noise.

    Faults: a `broken` tooth strikes once a turn of the middle shaft; `worn` flanks give more and
    stronger sidebands and harmonics; an `eccentric` wheel makes the slow mesh throb; a pit in a
    `bearing`; `dry` wheels squeal.
    """
    box, fault = work.design, work.fault
    load, worn = float(work.settings["load"]), fault["worn"]
    axle = shaft(work, float(work.settings["spd"]) / 60)
    middle = axle.geared(box.first[0] / box.first[1])
    slow = middle.geared(box.second[0] / box.second[1])
    sides = {1: 0.1 + 0.05 * load + 1.5 * worn, 2: 0.05 + worn, 3: 0.8 * worn}
    first = heard(work, box.lines[0], 0.15 * (load - 2) + 0.8 * worn)
    second = heard(work, box.lines[1], 0.15 * (load - 2))
    wave = 0.7 * axle.lines(multiples(first, box.first[0], sides))
    throb = 1 + (0.2 + 4 * fault["eccentric"]) * cosine(slow.turns)
    wave += 0.6 * middle.lines(multiples(second, box.second[0], {1: 0.15})) * throb
    wave += 0.25 * motor(work, axle, 36) + 0.45 * flow(work, 1600 + 200 * load)
    wave = wave + knocks(work, middle, "broken") + pit(work, axle, box.bearing, "bearing", "outer")
    return wave + squeal(work, "dry")


GEARBOX = Kind(
    design,
    force,
    settings=by_domain(spd=(("1100", "1450"), ("1270",)), load=(("1", "3"), ("2",))),
    faults=("broken", "worn", "eccentric", "bearing", "dry"),
    modes_hz=(250, 5500),
)
