"""Forces of what flows and rubs: turbulence, leaks, cavitation, friction."""

import numpy as np

from asd_tf.data.simulation.plant.kind import Work
from asd_tf.data.simulation.signals import colored_noise, impacts, slow_wave, to_level


def breath(work: Work, depth: float = 0.15) -> np.ndarray:
    """Draws the slow swelling of a flow, around 1."""
    rates = work.rng.uniform(0.2, 4, 4)
    swell = sum(work.rng.normal(0, depth / 2) * slow_wave(work.rng, work.axes, r) for r in rates)
    return np.exp(swell, dtype=np.float32)


def flow(work: Work, center: float, quality: float = 0.6) -> np.ndarray:
    """Draws the noise of a turbulent flow, of about unit root mean square.

    Args:
        work: The machine at work.
        center: Frequency in Hz where it is strongest.
        quality: How narrow it is.
    """
    center *= work.rng.lognormal(0, 0.03)
    return colored_noise(work.rng, work.axes, center, quality) * breath(work)


def leak(work: Work, name: str, center: float = 4500, strength: float = 2.5) -> np.ndarray | float:
    """Returns the hiss of a leak if the machine has the fault `name`; the nozzle is by chance."""
    severity = work.fault[name]
    if not severity:
        return 0.0
    center = center * work.fault_rng.lognormal(0, 0.2)
    return strength * severity * colored_noise(work.fault_rng, work.axes, center, 1.2)


def cavitation(work: Work, turns: np.ndarray, blades: int) -> np.ndarray | float:
    """Returns bubbles that collapse, mostly as blades pass, if the machine has `cavitation`."""
    severity, rng = work.fault["cavitation"], work.fault_rng
    if not severity:
        return 0.0
    seconds = work.axes.time[-1]
    times = np.sort(rng.uniform(0, seconds, rng.poisson(seconds * rng.uniform(150, 600))))
    phase = np.interp(times, work.axes.time, turns) * blades
    strengths = rng.lognormal(0, 1.0, len(times)) * (1 + 0.8 * np.cos(2 * np.pi * phase))
    return to_level(impacts(work.axes, times, strengths), 4 * severity)


def squeal(work: Work, name: str, strength: float = 3.0) -> np.ndarray | float:
    """Returns a tone of dry friction that comes and goes, if the machine has the fault `name`."""
    severity, rng, axes = work.fault[name], work.fault_rng, work.axes
    if not severity:
        return 0.0
    hertz = np.exp(rng.uniform(np.log(900), np.log(5000)))
    turns = hertz * axes.time
    for sway in rng.uniform(0.5, 9, 3):
        turns += rng.normal(0, 0.006) * hertz / (2 * np.pi * sway) * slow_wave(rng, axes, sway)
    angle = (2 * np.pi * (turns % 1)).astype(np.float32)
    comes = np.maximum(slow_wave(rng, axes, rng.uniform(0.2, 1.5)) + 0.2, 0)
    return to_level((np.sin(angle) + 0.4 * np.sin(2 * angle)) * comes, strength * severity)
