"""Writes small data sets of simulated clips: in the layout of each year, folders, a manifest."""

import dataclasses
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from asd_tf.data.simulation.clip import SimulatedClip
from asd_tf.data.simulation.dataset import SimulationOptions, planned_clips, simulate

OPTIONS = SimulationOptions(
    machines=("fan", "valve"),
    sections=2,
    seconds=0.5,
    train_source=4,
    train_target=2,
    test_normal=2,
    test_anomaly=2,
)

# Machines and sections of each subset, in place of fan and valve and of sections 0 and 1.
_2022 = {"dev": (("fan", "valve"), ("00", "01")), "eval": (("fan", "valve"), ("03",))}
_YEARS = {
    2020: {"dev": (("fan", "ToyCar"), ("02", "04")), "eval": (("fan", "ToyCar"), ("05",))},
    2021: _2022,
    2022: _2022,
    2023: {"dev": (("fan", "valve"), ("00",)), "eval": (("ToyTank", "Vacuum"), ("00",))},
    2024: {"dev": (("fan", "valve"), ("00",)), "eval": (("Scanner", "RoboticArm"), ("00",))},
    2025: {"dev": (("fan", "valve"), ("00",)), "eval": (("ToyPet", "Polisher"), ("00",))},
    2026: {"dev": (("fan", "valveEmu"), ("00",)), "eval": (("Sander", "ToyDrone"), ("00",))},
}

# What the names of the second machine have in place of its attributes.
_HIDDEN = {2024: "noAttribute", 2025: "", 2026: ""}


@dataclasses.dataclass(frozen=True)
class _Source:
    """A simulated clip, and what it is in a tree."""

    clip: SimulatedClip
    subset: str
    machine: str
    section: str
    is_second: bool

    @property
    def is_hidden(self) -> bool:
        """Whether its name must not reveal its label, as of evaluation test clips."""
        return self.subset == "eval" and self.clip.split == "test"


def simulate_clips(folder: Path) -> Path:
    """Simulates the clips of all trees; returns their folder."""
    return simulate(folder / "simulated", OPTIONS)


def write_year(simulated: Path, root: Path, year: int) -> pd.DataFrame:
    """Writes the tree of a year.

    Args:
        simulated: The folder of `simulate_clips`.
        root: The folder to write to.
        year: Year of the edition, 2020 to 2026.

    Returns:
        The clip table that must be read from the tree: clip_id, machine, section, domain, split,
        label, subset, attributes.
    """
    rows, tables = [], {}
    for number, source in enumerate(_sources(year)):
        attributes = {name: str(value) for name, value in source.clip.attributes.items()}
        if year == 2020 or (year == 2021 and source.clip.split == "test"):
            attributes = {}
        if source.is_second and year in _HIDDEN:
            attributes = {}
        folder, name = _name_of_2020(source, number) if year == 2020 else _name(source, year)
        below = f"{source.subset}_data/raw/{source.machine}/{folder}/{name}.wav"
        copy(simulated / source.clip.path, root / below, channels=2 if year == 2026 else 1)
        if year >= 2022 and not source.is_hidden:
            table = f"{source.subset}_data/raw/{source.machine}/attributes_{source.section}.csv"
            tables.setdefault(table, []).append(_table_row(source, folder, name, attributes))
        elif source.is_hidden:
            attributes = {}
        rows.append(
            {
                "clip_id": below,
                "machine": source.machine,
                "section": source.section,
                "domain": _domain(source, year),
                "split": source.clip.split,
                "label": None if source.is_hidden else int(source.clip.label == "anomaly"),
                "subset": source.subset,
                "attributes": attributes,
            }
        )
    for table, lines in tables.items():
        pd.DataFrame(lines).to_csv(root / table, index=False)
    if year == 2025:
        rows += _write_supplemental(simulated, root)
    return pd.DataFrame(rows)


def copy(source: Path, target: Path, channels: int = 1, rate: int = 16000) -> None:
    """Copies a clip to a file of the format of its suffix, with one or two channels.

    The second channel is a far microphone: weaker, with other noise. For a multiple of the sample
    rate, samples are repeated.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if (channels, rate, target.suffix) == (1, 16000, ".wav"):
        shutil.copy(source, target)
        return
    near = np.repeat(soundfile.read(source)[0], rate // 16000)
    noise = np.random.default_rng(0).normal(0, 0.01, len(near))
    soundfile.write(target, np.stack([near, 0.1 * near + noise], axis=1)[:, :channels], rate)


def _sources(year: int) -> Iterator[_Source]:
    for subset, (machines, sections) in _YEARS[year].items():
        for clip in planned_clips(OPTIONS):
            if clip.section < len(sections):
                index = OPTIONS.machines.index(clip.machine)
                yield _Source(clip, subset, machines[index], sections[clip.section], index == 1)


def _domain(source: _Source, year: int) -> str | None:
    if year == 2020:
        return "source"
    # Since 2022 names do not state the domain of an evaluation clip.
    return None if source.is_hidden and year > 2021 else source.clip.domain


def _name_of_2020(source: _Source, number: int) -> tuple[str, str]:
    label = "" if source.is_hidden else f"{source.clip.label}_"
    return source.clip.split, f"{label}id_{source.section}_{number:08d}"


def _name(source: _Source, year: int) -> tuple[str, str]:
    clip = source.clip
    number = f"{clip.index + (year == 2024):04d}"
    folder = f"{clip.domain}_test" if year == 2021 and clip.split == "test" else clip.split
    if source.is_hidden:
        number = f"{_number_in_test(clip) + (year == 2024):04d}"
        between = f"{clip.domain}_test_" if year == 2021 else "test_" if year == 2022 else ""
        return folder, f"section_{source.section}_{between}{number}"
    start = f"section_{source.section}_{clip.domain}_{clip.split}_{clip.label}_{number}"
    if year == 2021 and clip.split == "test":
        return folder, start
    if source.is_second and year in _HIDDEN:
        return folder, f"{start}_{_HIDDEN[year]}"
    return folder, "_".join([start, *itertools.chain(*clip.attributes.items())])


def _number_in_test(clip: SimulatedClip) -> int:
    """Numbers the evaluation clips of a section so that label and domain are mixed."""
    kind = 2 * (clip.domain == "target") + (clip.label == "anomaly")
    return 4 * clip.index + (3 * kind + 1) % 4


def _table_row(source: _Source, folder: str, name: str, attributes: dict[str, str]) -> dict:
    row = {"file_name": f"{source.machine}/{folder}/{name}.wav", "d1p": "noAttribute"}
    for number, (key, value) in enumerate(attributes.items(), 1):
        row |= {f"d{number}p": key, f"d{number}v": value}
    return row


def _write_supplemental(simulated: Path, root: Path) -> list[dict]:
    """Writes clips that cannot be decoded, since no method must open them."""
    rows = []
    for machine, kind in (("fan", "machine"), ("valve", "noise")):
        below = f"dev_data/raw/{machine}/supplemental/section_00_{kind}_0001_.wav"
        (root / below).parent.mkdir(parents=True)
        (root / below).write_text("never opened")
        rows.append(
            {
                "clip_id": below,
                "machine": machine,
                "section": "00",
                "domain": None,
                "split": "supplemental",
                "label": None,
                "subset": "dev",
                "attributes": {"supplemental": kind},
            }
        )
    return rows


def write_folder(simulated: Path, root: Path) -> pd.DataFrame:
    """Writes a folder layout: FLAC files of two channels and 48 kHz in nested folders."""
    rows = []
    for number, clip in enumerate(planned_clips(OPTIONS)):
        below = "abnormal/belt" if clip.label == "anomaly" else "normal"
        folder = "train/2024/may" if clip.split == "train" else f"test/{below}"
        name = f"hall/{clip.machine}/{folder}/recording {number}.flac"
        copy(simulated / clip.path, root / name, channels=2, rate=48000)
        rows.append(
            {
                "clip_id": name,
                "machine": clip.machine,
                "section": "00",
                "domain": "source",
                "split": clip.split,
                "label": int(clip.label == "anomaly"),
                "subset": "dev",
                "attributes": {},
            }
        )
    return pd.DataFrame(rows)


def write_manifest(simulated: Path, root: Path) -> pd.DataFrame:
    """Writes one long recording for each machine, cut into clips by `clips.csv`."""
    rows, lines = [], []
    for machine in OPTIONS.machines:
        waves = []
        for clip in (clip for clip in planned_clips(OPTIONS) if clip.machine == machine):
            start = OPTIONS.seconds * len(waves)
            waves.append(soundfile.read(simulated / clip.path)[0])
            line = {
                "path": f"{machine}/long.wav",
                "machine": machine,
                "section": f"{clip.section:02d}",
                "domain": clip.domain,
                "split": clip.split,
                "label": clip.label,
                "start_s": start,
                "duration_s": OPTIONS.seconds,
                **clip.attributes,
            }
            lines.append(line)
            rows.append(
                {
                    "clip_id": f"{machine}/long.wav#{start:g}-{start + OPTIONS.seconds:g}",
                    **{key: line[key] for key in ("machine", "section", "domain", "split")},
                    "label": int(clip.label == "anomaly"),
                    "subset": "dev",
                    "attributes": {key: str(value) for key, value in clip.attributes.items()},
                }
            )
        (root / machine).mkdir(parents=True)
        soundfile.write(root / machine / "long.wav", np.concatenate(waves), 16000)
    pd.DataFrame(lines).sample(frac=1, random_state=0).to_csv(root / "clips.csv", index=False)
    return pd.DataFrame(rows)
