"""Rooms: the path of a sound from a machine to a microphone."""

import dataclasses
import functools
import itertools

import numpy as np
from scipy import fft, signal

from asd_tf.data.simulation.plant.streams import stream
from asd_tf.data.simulation.signals import SAMPLE_RATE, Clock

SPEED_OF_SOUND = 343.0
# Seconds of an impulse response; what is later is too soft to be heard.
LONGEST = 0.45


@dataclasses.dataclass(frozen=True)
class Path:
    """A path through a room.

    Attributes:
        seed: Seed of the data set.
        name: What the path is called; paths of other names differ in reflections and diffuse sound.
        distance: Meters from source to microphone.
        room: Length, width and height of the room in meters.
        decay: Seconds in which reverberation falls by 60 dB, below about 1 kHz.
        nudge: Meters by which the source is off its usual position.
    """

    seed: int
    name: tuple[str | int, ...]
    distance: float
    room: tuple[float, float, float]
    decay: float
    nudge: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def impulse_response(self) -> np.ndarray:
        """Computes direct sound, the first reflection off each wall, and the diffuse decay.

        The direct sound arrives at once, with a level of 1: distances show in how strong the rest
        is beside it.
        """
        rng = stream(self.seed, "path", *self.name)
        size = np.array(self.room)
        microphone = size * rng.uniform(0.25, 0.75, 3)
        direction = rng.normal(size=3) * (1, 1, 0.2)
        source = microphone + self.distance * direction / np.linalg.norm(direction)
        source = np.clip(source + self.nudge, 0.2, size - 0.2)
        direct = max(float(np.linalg.norm(source - microphone)), 0.1)
        response = _diffuse(rng, self.decay)
        response *= direct * np.sqrt(_diffuse_power(size, self.decay) / np.sum(response**2))
        response[0] += 1
        for axis, wall in itertools.product(range(3), (0, 1)):
            image = source.copy()
            image[axis] = 2 * wall * size[axis] - image[axis]
            away = float(np.linalg.norm(image - microphone))
            delay = (away - direct) / SPEED_OF_SOUND * SAMPLE_RATE
            below, part = int(delay), delay % 1
            level = 0.8 * direct / away
            response[below] += level * (1 - part)
            response[below + 1] += level * part
        return response.astype(np.float32)


def _diffuse(rng, decay):
    """Draws noise that decays, its highs twice as fast, after a short build-up."""
    time = np.arange(round(LONGEST * SAMPLE_RATE)) / SAMPLE_RATE
    noise = rng.normal(size=(2, len(time))) * 10 ** (-3 * time / np.array([[decay], [decay / 2]]))
    low = signal.lfilter([0.25], [1, -0.75], noise[0])
    high = noise[1] - signal.lfilter([0.25], [1, -0.75], noise[1])
    return (low + 0.3 * high) * np.minimum(time / 0.008, 1)


def _diffuse_power(size, decay):
    """Returns the power of diffuse sound over that of direct sound in a meter: 16 pi / absorption.

    By Sabine's formula the absorption is 0.161 volume / decay square meters.
    """
    return 16 * np.pi * decay / (0.161 * np.prod(size))


@functools.lru_cache(maxsize=32)
def path_response(axes: Clock, path: Path) -> np.ndarray:
    """Returns the response of a path at the clock's frequencies."""
    response = fft.rfft(path.impulse_response(), axes.samples).astype(np.complex64)
    response.setflags(write=False)  # it is cached
    return response
