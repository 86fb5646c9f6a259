"""Forces of what turns: shafts, their lines, motors, gears and blades."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from asd_tf.data.simulation.plant.kind import Work
from asd_tf.data.simulation.signals import order_wave, revolutions, to_level

# Relative standard deviation of a rate from clip to clip, by slip and load, and within a clip.
SLIP = 0.004
SWAY = 8e-4


@dataclasses.dataclass(frozen=True)
class Shaft:
    """A shaft that turns.

    Attributes:
        turns: [samples] revolutions.
        rate: Mean revolutions per second.
    """

    turns: np.ndarray
    rate: float

    def geared(self, ratio: float) -> "Shaft":
        """Returns a shaft that this one drives, with `ratio` times its rate."""
        return Shaft(self.turns * ratio, self.rate * ratio)

    def lines(self, orders: Mapping[int, complex]) -> np.ndarray:
        """Returns the wave of unit root mean square of some orders (multiple to amplitude)."""
        return to_level(order_wave(self.turns, orders, self.rate))


def shaft(work: Work, rate: float, slowed: float = 0.0) -> Shaft:
    """Draws a shaft at nearly its rated speed.

    Args:
        work: The machine at work.
        rate: Rated revolutions per second.
        slowed: Share of the rate that a fault takes away.
    """
    rate *= (1 + work.rng.normal(0, SLIP)) * (1 - slowed)
    return Shaft(revolutions(work.rng, work.axes, rate, SWAY), rate)


def pattern(rng: np.random.Generator, count: int, decay: float) -> tuple[complex, ...]:
    """Draws the amplitudes of harmonics of a unit, which fall as order ** -decay."""
    level = rng.lognormal(0, 0.5, count) * np.arange(1, count + 1) ** -decay
    return tuple((level * np.exp(2j * np.pi * rng.uniform(size=count))).tolist())


def heard(work: Work, lines: tuple[complex, ...], tilt: float = 0.0) -> np.ndarray:
    """Returns harmonics as one clip has them: each is a little louder or softer than usual.

    Args:
        work: The machine at work.
        lines: The harmonics of the unit.
        tilt: Exponent by which load lifts the upper ones.
    """
    spread = work.rng.lognormal(0, 0.15, len(lines))
    return np.asarray(lines) * spread * np.arange(1, len(lines) + 1) ** tilt


def multiples(lines: np.ndarray, of: int, sides: dict[int, float] | None = None) -> dict:
    """Returns the orders of harmonics of `of` events a turn, with sidebands.

    Args:
        lines: Amplitudes of the harmonics.
        of: Events a turn, such as the number of teeth or of blades.
        sides: Distance of a pair of sidebands in orders to its relative amplitude.
    """
    orders: dict[int, complex] = {}
    for k, line in enumerate(lines, 1):
        orders[k * of] = orders.get(k * of, 0) + line
        for distance, depth in (sides or {}).items():
            for order in (k * of - distance, k * of + distance):
                orders[order] = orders.get(order, 0) + depth * line
    return orders


def motor(work: Work, driven: Shaft, slots: int, imbalance: float = 0.0) -> np.ndarray:
    """Returns the force of an electric motor: its shaft, its slots, and the hum of the mains."""
    rng = work.rng
    orders = {1: 0.3 * rng.lognormal(0, 0.2) + 3 * imbalance, 2: 0.2 + 0.6 * imbalance, 3: 0.1}
    orders |= {slots: 0.5 * rng.lognormal(0, 0.2), 2 * slots: 0.25, slots + 1: 0.15}
    hum = Shaft(100 * (1 + rng.normal(0, 5e-4)) * work.axes.time + rng.uniform(), 100.0)
    return driven.lines(orders) + 0.4 * hum.lines({1: 1, 2: 0.5, 3: 0.4j, 4: 0.2, 6: 0.2})
