"""The waveform of a clip of a simple machine."""

import zlib

import numpy as np

from asd_tf.data.simulation.clip import SimulatedClip
from asd_tf.data.simulation.machine import Fault
from asd_tf.data.simulation.signals import SAMPLE_RATE, clock, smooth_gain, to_level, to_wave
from asd_tf.data.simulation.simple.machines import MACHINES
from asd_tf.data.simulation.simple.noise import FACTORIES, factory_noise, room_color
from asd_tf.data.simulation.simple.options import SimpleOptions

# Root mean square of a clip; the standard deviations of it (gains of microphones differ) and of the
# signal-to-noise ratio from clip to clip; the highest peak.
LEVEL = 0.03
LEVEL_SPREAD_DB = 2.5
SNR_SPREAD_DB = 2.0
PEAK = 0.98


def waveform(clip: SimulatedClip, options: SimpleOptions) -> np.ndarray:
    """Computes the waveform of one clip.

    The machine, with its fault if it has one, is scaled to a fixed level before the factory noise
    is added, and their sum to a random level, so that loudness does not reveal faults.

    Args:
        clip: The clip.
        options: `seed`, `seconds` and `snr_db` of these are used.

    Returns:
        [seconds x 16,000] float32 in -1..1.
    """
    kind = "/".join([clip.machine, clip.split, clip.domain, clip.label])
    rng = np.random.default_rng([options.seed, zlib.crc32(kind.encode()), clip.section, clip.index])
    samples = round(options.seconds * SAMPLE_RATE)
    axes = clock(samples)
    machine = MACHINES[clip.machine]
    color = room_color(rng, axes)
    fault = Fault() if clip.fault is None else Fault(clip.fault, rng.uniform(0.7, 1.3))
    spectrum = machine.sound(rng, axes, machine.units[clip.section], clip.settings, fault)
    wave = to_wave(spectrum * smooth_gain(axes, color), axes)[-samples:]
    factory = FACTORIES[clip.domain]
    noise = factory_noise(rng, axes, factory, color)[-samples:]
    snr = options.snr_db + factory.snr_db + rng.normal(0, SNR_SPREAD_DB)
    mixed = to_level(wave, 10 ** (snr / 20)) + to_level(noise)
    level = LEVEL * 10 ** (rng.normal(0, LEVEL_SPREAD_DB) / 20)
    mixed = to_level(mixed, level)
    return mixed * np.float32(min(1, PEAK / np.max(np.abs(mixed))))
