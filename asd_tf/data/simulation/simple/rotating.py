"""Simulated machines with mostly tonal sound: the fan and the gearbox."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.machine import Fault, Settings, combinations
from asd_tf.data.simulation.signals import (
    Clock,
    body,
    colored_noise,
    cosine,
    harmonics,
    impacts,
    order_wave,
    passing_times,
    revolutions,
    swing,
    to_level,
    to_spectrum,
)
from asd_tf.data.simulation.simple.machine import RATE_JITTER, Machine

DUCTS = ("wide", "half", "narrow")
LOADS = ("light", "medium", "heavy")


@dataclasses.dataclass(frozen=True)
class FanUnit:
    """Geometry of a fan.

    Attributes:
        blades: Number of blades.
        ratio: Rate of the rotor divided by that of the motor.
        signature: Seed of its pattern of harmonics.
        modes: Resonances (Hz, quality, gain) of its housing.
    """

    blades: int
    ratio: float
    signature: int
    modes: tuple


def fan(
    rng: np.random.Generator, axes: Clock, unit: FanUnit, settings: Settings, fault: Fault
) -> np.ndarray:
    """Computes the spectrum of a centrifugal blower: a rotor with many blades in a housing.

    Lines at the blade-passing frequency, blades x rate, and at its multiples; weak lines of the
    rotor itself; turbulence that swells as each blade passes. The narrower the duct, the weaker the
    upper lines, whose spectrum the air column in the duct shapes.

    Faults: a `chipped` blade modulates the blade lines with each turn (sidebands at 1 and 2 times
    the rate); a `loose` rotor rocks every second turn (half orders around each line); a worn belt
    lets it `slip`, which lowers all lines; a failing governor has it `hunting`, which smears them.
    """
    rate = float(settings["spd"]) * unit.ratio * (1 + rng.normal(0, RATE_JITTER))
    rate *= 1 - 0.006 * fault["slip"]
    turns = revolutions(rng, axes, rate)
    turns += swing(rng, axes, 0.008 * rate * fault["hunting"], rng.uniform(1.5, 3))
    duct = DUCTS.index(settings["duct"])
    orders = dict(enumerate(0.08 * harmonics(rng, 3, 0.5, unit.signature + 5), 1))
    lines = harmonics(rng, 10, 0.6 + 0.3 * duct, unit.signature + duct)
    for k, line in enumerate(lines, 1):
        orders[k * unit.blades] = line
        for side, depth in ((-2, 0.3), (-1, 0.55), (1, 0.55), (2, 0.3)):
            orders[k * unit.blades + side] = depth * fault["chipped"] * line
    wave = order_wave(turns, orders, rate)
    wave = wave * (1 + fault["loose"] * (cosine(0.5 * turns) + 0.5 * cosine(1.5 * turns)))
    air = colored_noise(rng, axes, 1100, 0.6) * (1 + 0.5 * cosine(unit.blades * turns))
    wave = to_level(wave) + to_level(air, 0.3 * rng.lognormal(0, 0.4))
    return to_spectrum(wave) * body(axes, unit.modes)


FAN = Machine(
    fan,
    units=(
        FanUnit(31, 1.00, 110, ((620, 3, 1.0), (1700, 4, 1.0), (3300, 4, 0.7))),
        FanUnit(37, 1.10, 120, ((810, 3, 1.0), (2100, 4, 1.0), (3600, 4, 0.7))),
        FanUnit(43, 0.93, 130, ((530, 3, 1.0), (1500, 4, 1.0), (3000, 4, 0.8))),
    ),
    settings={
        "source": combinations(spd=("15", "18"), duct=("wide", "narrow")),
        "target": combinations(spd=("16", "17"), duct=("half",)),
    },
    faults=("chipped", "loose", "slip", "hunting"),
)


@dataclasses.dataclass(frozen=True)
class GearboxUnit:
    """Geometry of a gearbox.

    Attributes:
        teeth: Number of teeth of the driving wheel.
        driven_teeth: Number of teeth of the driven wheel.
        signature: Seed of its pattern of harmonics.
        modes: Resonances (Hz, quality, gain) of its housing.
    """

    teeth: int
    driven_teeth: int
    signature: int
    modes: tuple


def gearbox(
    rng: np.random.Generator, axes: Clock, unit: GearboxUnit, settings: Settings, fault: Fault
) -> np.ndarray:
    """Computes the spectrum of two wheels in mesh.

    Lines at the mesh frequency, teeth x rate of the driving shaft, and at its multiples, with
    sidebands at the rates of both shafts, since no wheel is quite round. Load lifts the upper mesh
    harmonics and shifts the sidebands from the driven to the driving shaft.

    Faults: a `broken_tooth` strikes once a turn; `worn` flanks give many and strong sidebands; an
    `eccentric` driven wheel modulates at the driven shaft's rate; a `dragging` one slows the motor
    down, which lowers all lines.
    """
    rate = float(settings["spd"]) * (1 + rng.normal(0, RATE_JITTER))
    rate *= 1 - 0.008 * fault["dragging"]
    turns = revolutions(rng, axes, rate)
    load = LOADS.index(settings["load"])
    own_side = 0.1 + 0.15 * load
    sides = {1: max(own_side, 0.7 * fault["worn"]), 2: 0.5 * fault["worn"], 3: 0.25 * fault["worn"]}
    orders = dict(enumerate(0.1 * harmonics(rng, 4, 0.8, unit.signature + 5), 1))
    lines = harmonics(rng, 7, 0.9 - 0.2 * load, unit.signature + load)
    for k, line in enumerate(lines, 1):
        orders[k * unit.teeth] = line
        for side, depth in sides.items():
            orders[k * unit.teeth - side] = orders[k * unit.teeth + side] = depth * line
    wave = order_wave(turns, orders, rate)
    driven = cosine(turns * unit.teeth / unit.driven_teeth)
    wave = to_level(wave * (1 + (0.4 - 0.12 * load + fault["eccentric"]) * driven))
    times = passing_times(turns, axes, 1)
    strikes = impacts(axes, times, rng.lognormal(0, 0.2, len(times)))
    wave = wave + to_level(strikes, 1.0 * fault["broken_tooth"])
    wave = wave + 0.25 * np.float32(rng.lognormal(0, 0.4)) * colored_noise(rng, axes, 1800, 0.6)
    return to_spectrum(wave) * body(axes, unit.modes)


GEARBOX = Machine(
    gearbox,
    units=(
        GearboxUnit(41, 67, 210, ((760, 3, 1.0), (1900, 4, 0.9), (3300, 4, 0.7))),
        GearboxUnit(47, 73, 220, ((840, 3, 1.0), (1650, 4, 0.9), (3700, 4, 0.7))),
        GearboxUnit(37, 59, 230, ((780, 3, 1.0), (2300, 4, 0.9), (3500, 4, 0.7))),
    ),
    settings={
        "source": combinations(spd=("15", "19"), load=("light", "heavy")),
        "target": combinations(spd=("16", "18"), load=("medium",)),
    },
    faults=("broken_tooth", "worn", "eccentric", "dragging"),
)
