"""The slider: a carriage that a spindle moves to and fro on rails."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.plant.forces.flow import flow, squeal
from asd_tf.data.simulation.plant.forces.rotation import SLIP, heard, multiples, pattern
from asd_tf.data.simulation.plant.forces.striking import strokes
from asd_tf.data.simulation.plant.kind import Kind, Work, by_domain
from asd_tf.data.simulation.signals import SAMPLE_RATE, colored_noise, impacts, order_wave, to_level

# Share of a stroke in which the carriage speeds up, and as long slows down.
RAMP = 0.18


@dataclasses.dataclass(frozen=True)
class Slider:
    """Construction of a slider."""

    travel_m: float
    pitch_m: float
    balls: int
    lines: tuple[complex, ...]
    rail_hz: float


def design(rng: np.random.Generator) -> Slider:
    """Draws a slider."""
    return Slider(
        rng.uniform(0.35, 0.6), rng.choice([0.01, 0.016, 0.02]), int(rng.integers(9, 17)),
        pattern(rng, 12, 0.6), rng.uniform(1200, 3000),
    )  # fmt: skip


def force(work: Work) -> np.ndarray:
    """Computes the lines of the spindle that glide with the speed, rolling on rails, and reversals.

    Faults: a `dry` rail squeals; `backlash` knocks twice at each reversal; a `pitted` rail strikes
    at the same place of each stroke; a slack `belt` slaps; `stuck` strokes drag and are rough.
    """
    unit, fault, rng, axes = work.design, work.fault, work.rng, work.axes
    load = float(work.settings["load"])
    period, speed, place, turnings = _motion(work)
    turns = np.cumsum(speed) / SAMPLE_RATE / unit.pitch_m
    lines = heard(work, unit.lines, 0.1 * (load - 2))
    orders = {1: 0.3, 2: 0.2, **multiples(lines, unit.balls, {1: 0.2})}
    moving = (speed / np.max(speed)).astype(np.float32)
    wave = to_level(order_wave(turns, orders, np.max(speed) / unit.pitch_m) * moving, 0.9)
    wave += (0.5 + 0.15 * load) * flow(work, unit.rail_hz * (0.8 + 0.1 * load)) * moving
    wave += 4 * strokes(rng, axes, turnings, 0.6 + 0.2 * load) + 0.1 * flow(work, 600)
    if fault["backlash"]:
        for delay in (0.03, 0.07):
            again = turnings + delay * work.fault_rng.uniform(0.8, 1.2)
            wave += 40 * fault["backlash"] * strokes(work.fault_rng, axes, again)
    if fault["pitted"]:
        wave += to_level(_pits(work, place), 3 * fault["pitted"])
    if fault["belt"]:
        times = np.arange(0, axes.time[-1], period / 2) + work.fault_rng.uniform(0, period)
        slaps = (times[:, None] + 0.045 * np.arange(6)).ravel()
        wave += 30 * fault["belt"] * strokes(work.fault_rng, axes, slaps)
    if fault["stuck"]:
        wave = _stuck(work, wave, 2 * axes.time / period)
    return wave + squeal(work, "dry") * moving


def _motion(work):
    """Draws period in s, [samples] speed in m/s and place (0 to 1), and the times of reversals."""
    unit, axes = work.design, work.axes
    speed = float(work.settings["vel"]) / 1000 * (1 + work.rng.normal(0, SLIP))
    half = unit.travel_m / speed / (1 - RAMP) + 0.15
    phase = axes.time / half + work.rng.uniform(0, 2)
    within = phase % 1
    ramp = np.clip(np.minimum(within, 0.95 - within) / RAMP, 0, 1)
    place = np.where(np.floor(phase) % 2 == 0, within, 1 - within)
    first = np.ceil(phase[0])
    turnings = (np.arange(first, phase[-1]) - phase[0]) * half
    return 2 * half, speed * ramp, place, turnings


def _stuck(work, wave, strokes_done):
    """Makes about every other stroke drag in its middle: less of the usual sound, and friction."""
    drags = work.fault_rng.uniform(size=int(strokes_done[-1]) + 2) < 0.6
    middle = np.sin(np.pi * (strokes_done % 1)) ** 2
    drag = (drags[strokes_done.astype(int)] * middle).astype(np.float32)
    friction = colored_noise(work.fault_rng, work.axes, 1500, 0.8)
    severity = work.fault["stuck"]
    return wave * (1 - 0.8 * severity * drag) + 2.5 * severity * drag * friction


def _pits(work, place):
    """Draws the strikes of a few pits in the rail as the carriage passes them."""
    wave = np.zeros(work.axes.samples, np.float32)
    for pit in work.fault_rng.uniform(0.2, 0.8, 5):
        passes = np.flatnonzero(np.diff(place > pit))
        height = work.fault_rng.lognormal(0, 0.4, len(passes))
        wave += impacts(work.axes, work.axes.time[passes], height)
    return wave


SLIDER = Kind(
    design,
    force,
    settings=by_domain(vel=(("300", "500"), ("400",)), load=(("1", "3"), ("2",))),
    faults=("dry", "backlash", "pitted", "belt", "stuck"),
    modes_hz=(300, 6500),
)
