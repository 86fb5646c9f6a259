"""A small data set of simulated machines in the layout of DCASE 2022.

Each clip is a pure function of (seed, machine, section, split, domain, label, index): additional
clips, sections or machines do not change the others.
"""

import dataclasses
import math
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.io import wavfile

from asd_tf.config import check_choice
from asd_tf.data.layouts.detection import SIMULATION_FILE
from asd_tf.data.simulation.machine import Fault, Machine, Settings
from asd_tf.data.simulation.noise import FACTORIES, factory_noise, room_color
from asd_tf.data.simulation.rotating import FAN, GEARBOX
from asd_tf.data.simulation.signals import SAMPLE_RATE, clock, smooth_gain, to_level, to_wave
from asd_tf.data.simulation.striking import BEARING, VALVE
from asd_tf.errors import InputError, UsageError
from asd_tf.files import atomic_path, read_json, write_csv, write_json

MACHINES: Mapping[str, Machine] = {
    "bearing": BEARING,
    "fan": FAN,
    "gearbox": GEARBOX,
    "valve": VALVE,
}

# Incremented when the same options begin to give other sounds.
FORMAT_VERSION = 1

# Root mean square of a clip; the standard deviations of it (gains of microphones differ) and of the
# signal-to-noise ratio from clip to clip; the highest peak.
LEVEL = 0.03
LEVEL_SPREAD_DB = 2.5
SNR_SPREAD_DB = 2.0
PEAK = 0.98


def _option(default, description):
    return dataclasses.field(default=default, metadata={"help": description})


@dataclasses.dataclass(frozen=True)
class SimulationOptions:
    """Options of the simulation; every field is a flag of `asd-data simulate`.

    Raises:
        UsageError: If a value is out of its range.
    """

    machines: tuple[str, ...] = _option(tuple(MACHINES), f"Machines, of {', '.join(MACHINES)}.")
    sections: int = _option(2, "Sections of each machine: other units of its type, 1 to 3.")
    seconds: float = _option(2.0, "Length of a clip, 0.5 to 60.")
    train_source: int = _option(90, "Training clips of the source domain, per section.")
    train_target: int = _option(10, "Training clips of the target domain, per section.")
    test_normal: int = _option(25, "Normal test clips, per section and domain.")
    test_anomaly: int = _option(25, "Anomalous test clips, per section and domain.")
    snr_db: float = _option(
        4.0, "Mean level of the machine over that of the factory in decibels; target: 2 dB less."
    )
    seed: int = _option(0, "Seed of everything random.")

    def __post_init__(self):
        object.__setattr__(self, "machines", tuple(self.machines))
        for machine in self.machines:
            check_choice("machine", machine, MACHINES)
        if not 0 < len(set(self.machines)) == len(self.machines):
            raise UsageError(f"machines={','.join(self.machines)}: name one or more, each once")
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise UsageError(
                    f"{name}={getattr(self, name)}: must be at least {least}"
                    + (f" and at most {most}" if math.isfinite(most) else "")
                )


_RANGES = {
    "sections": (1, min(len(machine.units) for machine in MACHINES.values())),
    "seconds": (0.5, 60),
    "train_source": (0, math.inf),
    "train_target": (0, math.inf),
    "test_normal": (0, math.inf),
    "test_anomaly": (0, math.inf),
    "snr_db": (-60, 60),
    "seed": (0, math.inf),
}


@dataclasses.dataclass(frozen=True)
class SimulatedClip:
    """The identity of a clip of a simulated data set.

    Attributes:
        machine: Type of machine.
        section: Number of the unit, from 0.
        split: train or test.
        domain: source or target.
        label: normal or anomaly.
        index: Number of the clip, from 0, among those that agree in all of the above.
    """

    machine: str
    section: int
    split: str
    domain: str
    label: str
    index: int

    @property
    def attributes(self) -> Settings:
        """The settings of the machine: one combination of the domain after the other."""
        combinations = MACHINES[self.machine].settings[self.domain]
        return combinations[self.index % len(combinations)]

    @property
    def fault(self) -> str | None:
        """The fault of an anomalous clip: one after the other, each with all settings."""
        if self.label == "normal":
            return None
        machine = MACHINES[self.machine]
        return machine.faults[
            self.index // len(machine.settings[self.domain]) % len(machine.faults)
        ]

    @property
    def path(self) -> Path:
        """The path of the file below the data folder."""
        text = "_".join(f"{name}_{value}" for name, value in self.attributes.items())
        name = (
            f"section_{self.section:02d}_{self.domain}_{self.split}_{self.label}_"
            f"{self.index:04d}_{text}.wav"
        )
        return Path("dev_data", self.machine, self.split, name)


def planned_clips(options: SimulationOptions) -> Iterator[SimulatedClip]:
    """Lists the clips of a data set, machine by machine and section by section."""
    counts = {
        ("train", "source", "normal"): options.train_source,
        ("train", "target", "normal"): options.train_target,
        ("test", "source", "normal"): options.test_normal,
        ("test", "source", "anomaly"): options.test_anomaly,
        ("test", "target", "normal"): options.test_normal,
        ("test", "target", "anomaly"): options.test_anomaly,
    }
    for machine in options.machines:
        for section in range(options.sections):
            for (split, domain, label), count in counts.items():
                for index in range(count):
                    yield SimulatedClip(machine, section, split, domain, label, index)


def simulate_clip(clip: SimulatedClip, options: SimulationOptions) -> np.ndarray:
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
    spectrum = machine.sound(rng, axes, machine.units[clip.section], clip.attributes, fault)
    wave = to_wave(spectrum * smooth_gain(axes, color), axes)[-samples:]
    factory = FACTORIES[clip.domain]
    noise = factory_noise(rng, axes, factory, color)[-samples:]
    snr = options.snr_db + factory.snr_db + rng.normal(0, SNR_SPREAD_DB)
    mixed = to_level(wave, 10 ** (snr / 20)) + to_level(noise)
    level = LEVEL * 10 ** (rng.normal(0, LEVEL_SPREAD_DB) / 20)
    mixed = to_level(mixed, level)
    return mixed * np.float32(min(1, PEAK / np.max(np.abs(mixed))))


def simulate(
    output_dir: str | os.PathLike,
    options: SimulationOptions,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Writes the data set to a folder, whole or not at all, unless the folder already holds it.

    Args:
        output_dir: The folder.
        options: Options of the simulation.
        progress: Called with the number of clips that are written, and of all clips.

    Returns:
        The folder.

    Raises:
        InputError: If the path holds something else: a file, a folder with other contents, or
            simulated machines with other options.
    """
    output_dir = Path(output_dir)
    if _is_simulated_with(output_dir, options):
        return output_dir
    clips = list(planned_clips(options))
    with atomic_path(output_dir) as root:
        for done, clip in enumerate(clips, 1):
            path = root / clip.path
            path.parent.mkdir(parents=True, exist_ok=True)
            wave = simulate_clip(clip, options)
            wavfile.write(path, SAMPLE_RATE, np.round(wave * 32767).astype(np.int16))
            if progress is not None:
                progress(done, len(clips))
        _write_attributes(root, clips)
        write_json(root / SIMULATION_FILE, _manifest(options))
    return output_dir


def _manifest(options):
    values = {**dataclasses.asdict(options), "machines": list(options.machines)}
    return {"format_version": FORMAT_VERSION, "options": values}


def _is_simulated_with(folder: Path, options: SimulationOptions) -> bool:
    """Whether a folder holds the data set; an error if it holds anything else."""
    advice = "choose another folder, or delete this one"
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    if not (folder / SIMULATION_FILE).is_file():
        raise InputError(f"{folder}: is there and holds no simulated machines; {advice}")
    try:
        found = read_json(folder / SIMULATION_FILE)
        version, values = found["format_version"], dict(found["options"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / SIMULATION_FILE}: cannot be read as options; {advice}"
        ) from error
    if version != FORMAT_VERSION:
        raise InputError(
            f"{folder}: format_version is {version}, this is {FORMAT_VERSION}; {advice}"
        )
    wanted = _manifest(options)["options"]
    for name in [*wanted, *(name for name in values if name not in wanted)]:
        if values.get(name) != wanted.get(name):
            raise InputError(
                f"{folder}: was simulated with {name}={values.get(name)}, "
                f"not {wanted.get(name)}; {advice}"
            )
    return True


def _write_attributes(root: Path, clips: list[SimulatedClip]) -> None:
    """Writes one table of attributes for each machine and section, as DCASE 2022 has them."""
    tables: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for clip in clips:
        row = {"file_name": clip.path.relative_to("dev_data").as_posix()}
        for number, (name, value) in enumerate(clip.attributes.items(), 1):
            row |= {f"d{number}p": name, f"d{number}v": value}
        tables.setdefault((clip.machine, clip.section), []).append(row)
    for (machine, section), rows in tables.items():
        path = root / "dev_data" / machine / f"attributes_{section:02d}.csv"
        write_csv(path, pd.DataFrame(rows))
