"""Simulated machines in which impacts excite resonances: the bearing and the valve."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from asd_tf.data.simulation.machine import Fault, Settings, combinations
from asd_tf.data.simulation.signals import (
    SAMPLE_RATE,
    Clock,
    body,
    colored_noise,
    cosine,
    harmonics,
    impacts,
    order_wave,
    passing_times,
    revolutions,
    to_level,
    to_spectrum,
    to_wave,
)
from asd_tf.data.simulation.simple.machine import RATE_JITTER, Machine

VOLTS = ("24", "36", "48")


@dataclasses.dataclass(frozen=True)
class BearingUnit:
    """Geometry of a bearing and of the motor on its shaft.

    Attributes:
        balls: Number n of balls.
        ratio: d / D cos a, with the diameters d of a ball and D of the pitch circle and the angle a
            of contact.
        slots: Number of slots of the motor.
        signature: Seed of its pattern of harmonics.
        modes: Location of the sensor to the resonances (Hz, quality, gain) that it picks up.
    """

    balls: int
    ratio: float
    slots: int
    signature: int
    modes: Mapping[str, tuple]


def bearing(
    rng: np.random.Generator, axes: Clock, unit: BearingUnit, settings: Settings, fault: Fault
) -> np.ndarray:
    """Computes the spectrum of a rolling bearing on a motor shaft.

    Lines of the shaft and of the motor's slots, slots x rate; rolling noise; and the small impacts
    of n balls on an outer race that is never perfect, at BPFO = n / 2 (1 - d / D cos a) rate. The
    location of the sensor decides which resonances are picked up.

    Faults: a pit in the `outer` race strikes at BPFO, one in the `inner` race at BPFI = n / 2 (1 +
    d / D cos a) rate and most in the loaded zone, one on a `ball` at twice its spin and most as the
    cage brings it there. A `dry` bearing hisses with the turns of its cage, and its
    friction slows the motor down. Each hinders the shaft in its rhythm, which gives the motor's
    lines sidebands.
    """
    rate = float(settings["spd"]) * (1 + rng.normal(0, RATE_JITTER))
    rate *= 1 - 0.006 * fault["dry"]
    outer, inner = unit.balls / 2 * (1 - unit.ratio), unit.balls / 2 * (1 + unit.ratio)
    cage, twice_spin = (1 - unit.ratio) / 2, 1 / unit.ratio - unit.ratio
    turns = revolutions(rng, axes, rate)
    orders = dict(enumerate(0.5 * harmonics(rng, 8, 0.8, unit.signature), 1))
    for k, line in enumerate(harmonics(rng, 8, 0.5, unit.signature + 1), 1):
        orders[k * unit.slots] = line
    wave = order_wave(turns, orders, rate)
    rhythms = {"outer": outer, "inner": inner, "ball": twice_spin, "dry": cage}
    if fault.name is not None:
        wave = wave * (1 + 0.6 * fault.severity * cosine(rhythms[fault.name] * turns))
    strikes = _pit(rng, axes, turns, outer) * (0.4 * rng.lognormal(0, 0.5))
    strikes += _pit(rng, axes, turns, outer, 0.1, 1.0) * (0.8 * fault["outer"])
    strikes += _pit(rng, axes, turns, inner, 0.9, 1.0) * (0.8 * fault["inner"])
    strikes += _pit(rng, axes, turns, twice_spin, 0.7, cage) * (0.8 * fault["ball"])
    hiss = colored_noise(rng, axes, 2500, 0.7) * (0.3 * rng.lognormal(0, 0.4))
    hiss *= (1 + 0.5 * fault["dry"]) * (1 + 0.8 * fault["dry"] * cosine(cage * turns))
    wave = to_level(wave) + strikes + hiss
    return to_spectrum(wave) * body(axes, unit.modes[settings["loc"]])


def _pit(rng, axes, turns, per_turn, zone=0.0, zone_per_turn=0.0):
    """Draws impacts of unit root mean square, `per_turn` a turn, stronger in the loaded zone."""
    times = passing_times(turns + rng.uniform(), axes, per_turn)
    load = 1 + zone * np.cos(2 * np.pi * zone_per_turn * np.interp(times, axes.time, turns))
    # Balls slip a little, so that the intervals are never quite equal.
    times = times + rng.normal(0, 0.01, len(times)) * np.mean(np.diff(times))
    return to_level(impacts(axes, times, load))


BEARING = Machine(
    bearing,
    units=(
        BearingUnit(8, 0.28, 28, 31, {
            "A": ((900, 4, 0.8), (2400, 6, 1.0)),
            "B": ((1250, 4, 0.8), (3200, 6, 1.0)),
            "C": ((1050, 4, 0.8), (2800, 6, 1.0)),
        }),
        BearingUnit(11, 0.21, 36, 32, {
            "A": ((760, 4, 0.8), (1800, 6, 1.0)),
            "B": ((1030, 4, 0.8), (3600, 6, 1.0)),
            "C": ((900, 4, 0.8), (2600, 6, 1.0)),
        }),
        BearingUnit(9, 0.24, 44, 33, {
            "A": ((1100, 4, 0.8), (2900, 6, 1.0)),
            "B": ((840, 4, 0.8), (2100, 6, 1.0)),
            "C": ((960, 4, 0.8), (2500, 6, 1.0)),
        }),
    ),
    settings={
        "source": combinations(spd=("25", "31"), loc=("A", "B")),
        "target": combinations(spd=("27", "29"), loc=("C",)),
    },
    faults=("outer", "inner", "ball", "dry"),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class ValveUnit:
    """Construction of a valve.

    Attributes:
        rhythms: Pattern of control to the period in seconds and its open share.
        pulses: Rate in Hz of the current pulses in the coil.
        opening: Resonances (Hz, quality, gain) that ring when it opens.
        closing: Resonances (Hz, quality, gain) that ring when it closes.
    """

    rhythms: Mapping[str, tuple[float, float]]
    pulses: float
    opening: tuple
    closing: tuple


def valve(
    rng: np.random.Generator, axes: Clock, unit: ValveUnit, settings: Settings, fault: Fault
) -> np.ndarray:
    """Computes the spectrum of a solenoid valve that opens and closes in a rhythm.

    Each stroke is a click that rings in seat and housing, opening and closing each with modes of
    their own; while it is open, the flow hisses and the coil sings at the rate of its current
    pulses and the multiples of it. More volts make the strokes ring higher and the pulses faster.

    Faults: strokes are `missed`; the armature may `bounce` (a second click); a `cracked` seat rings
    lower; `chatter` of the armature at twice the mains frequency modulates the coil; a `shorted`
    turn of the coil speeds the pulses up.
    """
    period, open_share = unit.rhythms[settings["pat"]]
    starts = np.arange(-1, axes.time[-1] / period + 1) * period + rng.uniform(0, period)
    starts = starts + rng.normal(0, 0.004, len(starts))
    ends = starts + open_share * period + rng.normal(0, 0.004, len(starts))
    made = rng.uniform(size=len(starts)) >= 0.4 * fault["missed"]
    starts, ends = starts[made], ends[made]
    volt = VOLTS.index(settings["volt"])
    pitch = (1 + 0.03 * volt) * (1 - 0.05 * fault["cracked"])
    strokes = sum(
        _clicks(rng, axes, times, fault["bounce"])
        * body(axes, tuple((hertz * pitch, quality, gain) for hertz, quality, gain in modes), 0.03)
        for times, modes in ((starts, unit.opening), (ends, unit.closing))
    )
    pulses = unit.pulses * (1 + 0.08 * volt) * (1 + rng.normal(0, RATE_JITTER))
    pulses *= 1 + 0.012 * fault["shorted"]
    coil = order_wave(pulses * axes.time, {1: 1.0, 2: 0.5j, 3: 0.35}, pulses)
    coil = coil * (1 + 0.6 * fault["chatter"] * cosine(100 * axes.time))
    is_open = _open_times(axes, starts, ends)
    flow = colored_noise(rng, axes, 3000, 1.5) * np.maximum(is_open, np.float32(0.02))
    return to_spectrum(
        to_level(to_wave(strokes, axes))
        + to_level(coil * is_open)
        + to_level(flow, 0.25 * rng.lognormal(0, 0.4))
    )


def _clicks(rng, axes, times, bounce):
    """Returns the spectrum of the clicks of strokes, each with a second one if it bounces."""
    loudness = rng.lognormal(0, 0.1, len(times))
    wave = impacts(axes, times, loudness)
    if bounce:
        wave += impacts(axes, times + rng.uniform(0.04, 0.08), 0.9 * bounce * loudness)
    return to_spectrum(wave)


def _open_times(axes, starts, ends):
    """Returns [samples] 1 while the valve is open, else 0."""
    is_open = np.zeros(axes.samples, np.float32)
    for start, end in zip(starts, ends, strict=True):
        is_open[max(0, round(start * SAMPLE_RATE)) : max(0, round(end * SAMPLE_RATE))] = 1
    return is_open


VALVE = Machine(
    valve,
    units=(
        ValveUnit(
            {"0": (0.40, 0.35), "1": (0.28, 0.50), "2": (0.33, 0.42)},
            pulses=520,
            opening=((900, 14, 1.0), (2600, 18, 0.8)),
            closing=((650, 12, 1.0), (3400, 20, 0.6)),
        ),
        ValveUnit(
            {"0": (0.31, 0.60), "1": (0.45, 0.30), "2": (0.37, 0.45)},
            pulses=640,
            opening=((1200, 14, 1.0), (3100, 18, 0.8)),
            closing=((800, 12, 1.0), (2100, 20, 0.7)),
        ),
        ValveUnit(
            {"0": (0.36, 0.45), "1": (0.25, 0.40), "2": (0.30, 0.50)},
            pulses=580,
            opening=((750, 14, 1.0), (2200, 18, 0.8)),
            closing=((1050, 12, 1.0), (3900, 20, 0.6)),
        ),
    ),
    settings={
        "source": combinations(pat=("0", "1"), volt=("24", "48")),
        "target": combinations(pat=("0", "2"), volt=("36",)),
    },
    faults=("missed", "bounce", "cracked", "chatter", "shorted"),
)
