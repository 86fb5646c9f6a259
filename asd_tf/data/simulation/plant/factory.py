"""The factory around a machine: other machines, the noise of the hall, and events."""

import numpy as np

from asd_tf.data.simulation.plant.events import events
from asd_tf.data.simulation.plant.halls import NEIGHBORS, Hall, hear_neighbor
from asd_tf.data.simulation.plant.rooms import path_response
from asd_tf.data.simulation.plant.streams import stream
from asd_tf.data.simulation.signals import (
    Clock,
    slow_wave,
    smooth_gain,
    to_level,
    to_spectrum,
    to_wave,
    white_noise,
)

# Share of clips in which a neighbor runs, and the spread of its level from clip to clip.
RUNNING = 0.6
SPREAD_DB = 2.0
# Range of the level of events over that of one neighbor in decibels.
EVENTS_DB = (-10.0, 3.0)
EVENTS_METERS = 8.0


def surroundings(
    rng: np.random.Generator, axes: Clock, hall: Hall, spot: str, microphones: tuple[str, ...]
) -> list[np.ndarray]:
    """Draws the spectrum that each microphone picks up of the factory.

    Neighbors that run, diffuse noise of the hall, and events. All are heard by all microphones,
    each through a path of its own.
    """
    runs = rng.uniform(size=NEIGHBORS) < RUNNING
    starts = rng.uniform(size=NEIGHBORS)
    levels = 10 ** (rng.normal(0, SPREAD_DB, NEIGHBORS) / 20)
    happening = events(rng, axes)
    if np.any(happening):
        happening = to_level(happening, 10 ** (rng.uniform(*EVENTS_DB) / 20))
    happening = to_spectrum(happening)
    shape, swell = _noise_shape(rng, axes, hall), _swell(rng, axes)
    heard = []
    for microphone in microphones:
        wave = to_level(to_wave(white_noise(rng, axes) * shape, axes)) * swell
        for k in np.flatnonzero(runs):
            part = hear_neighbor(hall, int(k), spot, microphone, starts[k], axes.samples)
            wave += np.float32(levels[k]) * part
        path = hall.path("events", EVENTS_METERS, spot, microphone)
        heard.append(to_spectrum(wave) + happening * path_response(axes, path))
    return heard


def _noise_shape(rng, axes, hall):
    """Draws the spectrum of the hall's noise, which varies a little from clip to clip."""
    fixed = stream(hall.seed, "hall noise")
    level = -(hall.slope_db + rng.normal(0, 0.3)) * axes.octaves
    for _ in range(6):
        center, width, height = fixed.uniform(1, 7), fixed.uniform(0.2, 0.8), fixed.normal(0, 4)
        height += rng.normal(0, 1)
        level = level + height * np.exp(-0.5 * ((axes.octaves - center) / width) ** 2)
    return smooth_gain(axes, level)


def _swell(rng, axes):
    """Draws the slowly varying level of the hall's noise, around 1."""
    swell = sum(rng.normal(0, 0.08) * slow_wave(rng, axes, hertz) for hertz in (0.15, 0.4, 1.1))
    return np.exp(swell, dtype=np.float32)
