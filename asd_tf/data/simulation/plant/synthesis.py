"""A clip of the plant: a machine at its place, the factory around it, and the microphones."""

import dataclasses
import functools

import numpy as np

from asd_tf.data.simulation.clip import SimulatedClip
from asd_tf.data.simulation.machine import Fault
from asd_tf.data.simulation.plant.factory import surroundings
from asd_tf.data.simulation.plant.halls import LEAD_IN, draw_hall
from asd_tf.data.simulation.plant.microphones import self_noise
from asd_tf.data.simulation.plant.options import PlantOptions
from asd_tf.data.simulation.plant.places import MICROPHONES, draw_place
from asd_tf.data.simulation.plant.streams import stream
from asd_tf.data.simulation.plant.units import draw_unit
from asd_tf.data.simulation.signals import SAMPLE_RATE, clock, to_wave

# Severities of faults, drawn evenly on a logarithmic scale: from inaudible to plain.
SEVERITY = (0.05, 1.0)
# Standard deviation in decibels of a machine's level from clip to clip.
LEVEL_SPREAD_DB = 1.0

_unit = functools.lru_cache(maxsize=64)(draw_unit)


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a clip is the sum of.

    Attributes:
        machine: [samples, channels] of the machine.
        surroundings: [samples, channels] of the factory.
        self_noise: [samples, channels] of the microphones.
    """

    machine: np.ndarray
    surroundings: np.ndarray
    self_noise: np.ndarray

    def mixed(self) -> np.ndarray:
        """Returns the sum, cut at the range of a converter, -1..1."""
        return np.clip(self.machine + self.surroundings + self.self_noise, -1, 1)


def waveform(clip: SimulatedClip, options: PlantOptions) -> np.ndarray:
    """Computes one clip: [samples] float32 in -1..1, or [samples, 2] of two microphones."""
    mixed = parts_of(clip, options, condition(clip, options)).mixed()
    return mixed[:, 0] if options.microphones == 1 else mixed


def condition(clip: SimulatedClip, options: PlantOptions) -> Fault:
    """Returns the fault of a clip with its severity."""
    if clip.fault is None:
        return Fault()
    low, high = np.log(SEVERITY)
    return Fault(clip.fault, float(np.exp(_stream(clip, options, "severity").uniform(low, high))))


def signal_to_noise_db(clip: SimulatedClip, options: PlantOptions) -> float:
    """Returns the level of the machine over that of the factory in decibels."""
    spread = options.snr_spread_db
    return options.snr_db + float(_stream(clip, options, "snr").uniform(-spread, spread))


def truth(clip: SimulatedClip, options: PlantOptions) -> dict[str, str | float]:
    """Returns what was drawn for a clip: its fault with the severity, and its SNR."""
    fault = condition(clip, options)
    ratio = signal_to_noise_db(clip, options)
    return {
        "fault": fault.name or "", "severity": round(fault.severity, 4), "snr_db": round(ratio, 2)
    }  # fmt: skip


def parts_of(clip: SimulatedClip, options: PlantOptions, fault: Fault) -> Parts:
    """Computes the parts of one clip.

    A faulty machine has the level of a healthy one, so that loudness does not reveal faults.

    Args:
        clip: The clip.
        options: Options of the data set.
        fault: Condition of the machine; severity 0 is a healthy machine to the last bit.
    """
    samples = round(options.seconds * SAMPLE_RATE)
    axes = clock(samples, LEAD_IN)
    hall = draw_hall(options.seed)
    place = draw_place(clip, hall, options.microphones)
    rngs = {name: _stream(clip, options, name) for name in ("machine", "fault", "level", "factory")}
    unit = _unit(options.seed, clip.machine, clip.section)
    sound = unit.sound(rngs, axes, clip.settings, fault)
    microphones = MICROPHONES[: options.microphones]
    around = surroundings(rngs["factory"], axes, hall, clip.domain, microphones)
    machine, factory, noise = [], [], []
    for k, name in enumerate(microphones):
        own = place.microphone(axes, k)
        machine.append(to_wave(sound * place.response(axes, k) * own, axes)[-samples:])
        factory.append(to_wave(around[k] * own, axes)[-samples:])
        noise.append(self_noise(_stream(clip, options, "noise", name), axes)[-samples:])
    level = place.level * 10 ** (rngs["level"].normal(0, LEVEL_SPREAD_DB) / 20)
    around_level = level * 10 ** (-signal_to_noise_db(clip, options) / 20)
    return Parts(
        np.stack(machine, axis=-1) * np.float32(level / _rms(machine[0])),
        np.stack(factory, axis=-1) * np.float32(around_level / _rms(factory[0])),
        np.stack(noise, axis=-1),
    )


def _rms(wave):
    return np.sqrt(np.mean(np.square(wave, dtype=np.float64)))


def _stream(clip, options, *words):
    """Returns the generator of one part of a clip, which depends on nothing else."""
    identity = (clip.machine, clip.section, clip.split, clip.domain, clip.label, clip.index)
    return stream(options.seed, "clip", *identity, *words)
