"""The valve: strokes in the rhythm of a control, and the flow in between."""

import dataclasses

import numpy as np

from asd_tf.data.simulation.plant.forces.flow import flow, leak
from asd_tf.data.simulation.plant.forces.rotation import Shaft, heard, multiples, pattern
from asd_tf.data.simulation.plant.forces.striking import strokes
from asd_tf.data.simulation.plant.kind import Kind, Work, by_domain
from asd_tf.data.simulation.signals import SAMPLE_RATE, cosine

# Pattern of control: delays in seconds from one opening to the next, in turn.
RHYTHMS = {"00": (1.1,), "01": (0.7, 1.6), "02": (1.4, 0.6, 0.9), "03": (0.8, 1.2)}


@dataclasses.dataclass(frozen=True)
class Valve:
    """Construction of a valve."""

    open_share: float
    closing: float
    coil_hz: float
    coil: tuple[complex, ...]
    flow_hz: float


def design(rng: np.random.Generator) -> Valve:
    """Draws a valve."""
    return Valve(
        rng.uniform(0.3, 0.6), rng.uniform(0.6, 1.2), rng.uniform(250, 700), pattern(rng, 6, 0.6),
        rng.uniform(2000, 4500),
    )  # fmt: skip


def force(work: Work) -> np.ndarray:
    """Computes the strokes at both ends, and flow and coil while it is open.

    Faults: `stuck` strokes come late and soft, or not at all; a seat with a `leak` hisses always;
    the armature may `bounce`; a weak `spring` closes late and softly; `chatter` of the coil at
    twice the frequency of the mains.
    """
    valve, fault, rng = work.design, work.fault, work.rng
    opened, closed = _times(work)
    height: np.ndarray | float = 1.0
    if fault["stuck"]:
        hit = work.fault_rng.uniform(size=len(opened)) < 0.7
        height = np.where(hit, 1 - fault["stuck"], 1.0)
        opened = opened + hit * 0.3 * fault["stuck"]
    closed = closed + 0.25 * fault["spring"]
    wave = 6 * strokes(rng, work.axes, opened, height)
    closing = valve.closing * (1 - 0.95 * fault["spring"])
    wave = wave + 6 * closing * strokes(rng, work.axes, closed)
    if fault["bounce"]:
        again = opened + work.fault_rng.uniform(0.02, 0.06)
        wave = wave + 25 * fault["bounce"] * strokes(work.fault_rng, work.axes, again)
    is_open = _open_share(work, opened, closed)
    coil = Shaft(valve.coil_hz * (1 + rng.normal(0, 1e-3)) * work.axes.time, valve.coil_hz)
    tone = coil.lines(multiples(heard(work, valve.coil), 1))
    tone = tone * (1 + 4 * fault["chatter"] * cosine(100 * work.axes.time))
    pressure = float(work.settings["bar"])
    hiss = flow(work, valve.flow_hz * (0.85 + 0.05 * pressure), 1.0)
    wave = wave + 0.5 * tone * is_open + (0.2 + 0.1 * pressure) * hiss * is_open
    return wave + 0.08 * flow(work, 700) + leak(work, "leak", strength=1.2)


def _times(work):
    """Draws when it opens and closes."""
    gaps = RHYTHMS[work.settings["pat"]]
    count = int(work.axes.time[-1] / np.mean(gaps)) + 2 * len(gaps)
    steps = np.resize(gaps, count) * (1 + work.rng.normal(0, 0.004, count))
    opened = np.cumsum(steps) - work.rng.uniform(0, sum(gaps))
    held = work.design.open_share * min(gaps) * (1 + work.rng.normal(0, 0.01, count))
    return opened, opened + held


def _open_share(work, opened, closed):
    """Returns [samples] 1 while the valve is open, else 0."""
    is_open = np.zeros(work.axes.samples, np.float32)
    for start, end in zip(opened, closed, strict=True):
        is_open[max(0, round(start * SAMPLE_RATE)) : max(0, round(end * SAMPLE_RATE))] = 1
    return is_open


VALVE = Kind(
    design,
    force,
    settings=by_domain(pat=(("00", "01"), ("02", "03")), bar=(("2", "6"), ("4",))),
    faults=("stuck", "leak", "bounce", "spring", "chatter"),
    modes_hz=(500, 7000),
)
