"""Data sets of simulated machines in the layout of DCASE 2022."""

import collections
import contextlib
import dataclasses
import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.io import wavfile

from asd_tf.data.layouts.detection import SIMULATION_FILE
from asd_tf.data.simulation.clip import SimulatedClip
from asd_tf.data.simulation.families import DEFAULT_FAMILY, FAMILIES
from asd_tf.data.simulation.options import FamilyOptions
from asd_tf.data.simulation.signals import SAMPLE_RATE
from asd_tf.errors import InputError
from asd_tf.files import atomic_path, read_json, write_csv, write_json

# What was drawn for each clip and its name does not state.
TRUTH_FILE = "faults.csv"
# Options of the family that is made where none is named.
SimulationOptions = FAMILIES[DEFAULT_FAMILY].options


def planned_clips(options: FamilyOptions) -> Iterator[SimulatedClip]:
    """Lists the clips of a data set, machine by machine and section by section."""
    return FAMILIES[options.family].clips(options)


def simulate_clip(clip: SimulatedClip, options: FamilyOptions) -> np.ndarray:
    """Computes the waveform of one clip, [samples] or [samples, channels] float32 in -1..1."""
    return FAMILIES[options.family].waveform(clip, options)


def simulate(
    output_dir: str | os.PathLike,
    options: FamilyOptions,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
) -> Path:
    """Writes the data set to a folder, whole or not at all, unless the folder already holds it.

    Args:
        output_dir: The folder.
        options: Options of the simulation.
        progress: Called with the number of clips that are written, and of all clips.
        threads: Threads that compute clips, which changes nothing but the time; by default the
            processors of this machine.

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
        made = _in_order(lambda clip: simulate_clip(clip, options), clips, threads)
        with contextlib.closing(made) as waves:
            for done, (clip, wave) in enumerate(zip(clips, waves, strict=True), 1):
                path = root / clip.path
                path.parent.mkdir(parents=True, exist_ok=True)
                wavfile.write(path, SAMPLE_RATE, np.round(wave * 32767).astype(np.int16))
                if progress is not None:
                    progress(done, len(clips))
        _write_attributes(root, clips)
        _write_truth(root, clips, options)
        write_json(root / SIMULATION_FILE, _manifest(options))
    return output_dir


def _in_order(function: Callable, values: Iterable, threads: int | None) -> Generator:
    """Applies a function in threads, a few values ahead of the one that is needed."""
    threads = os.cpu_count() or 1 if threads is None else threads
    values = iter(values)
    with ThreadPoolExecutor(threads) as pool:
        ahead = collections.deque(
            pool.submit(function, value) for value in itertools.islice(values, 2 * threads)
        )
        try:
            while ahead:
                result = ahead.popleft().result()
                ahead.extend(pool.submit(function, value) for value in itertools.islice(values, 1))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)


def _manifest(options):
    values = {**dataclasses.asdict(options), "machines": list(options.machines)}
    version = FAMILIES[options.family].format_version
    return {"format_version": version, "family": options.family, "options": values}


def _is_simulated_with(folder: Path, options: FamilyOptions) -> bool:
    """Whether a folder holds the data set; an error if it holds anything else."""
    advice = "choose another folder, or delete this one"
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    if not (folder / SIMULATION_FILE).is_file():
        raise InputError(f"{folder}: is there and holds no simulated machines; {advice}")
    try:
        found = read_json(folder / SIMULATION_FILE)
        version, values = found["format_version"], dict(found["options"])
        family = found.get("family", "simple")  # which version 0.1 did not name
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{folder / SIMULATION_FILE}: cannot be read as options; {advice}"
        ) from error
    wanted = _manifest(options)
    if family != options.family:
        raise InputError(f"{folder}: holds the family {family}, not {options.family}; {advice}")
    if version != wanted["format_version"]:
        raise InputError(
            f"{folder}: format_version is {version}, this is {wanted['format_version']}; {advice}"
        )
    _check_equal(folder, values, wanted["options"], advice)
    return True


def _check_equal(folder: Path, found: dict[str, Any], wanted: dict[str, Any], advice: str) -> None:
    for name in [*wanted, *(name for name in found if name not in wanted)]:
        if found.get(name) != wanted.get(name):
            raise InputError(
                f"{folder}: was simulated with {name}={found.get(name)}, "
                f"not {wanted.get(name)}; {advice}"
            )


def _write_truth(root: Path, clips: list[SimulatedClip], options: FamilyOptions) -> None:
    truth = FAMILIES[options.family].truth
    if truth is not None and clips:
        names = (clip.path.relative_to("dev_data").as_posix() for clip in clips)
        rows = [
            {"file_name": name, **truth(clip, options)}
            for name, clip in zip(names, clips, strict=True)
        ]
        write_csv(root / TRUTH_FILE, pd.DataFrame(rows))


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
