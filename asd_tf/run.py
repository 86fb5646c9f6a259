"""The folder of a run: its settings, its stages, and what it may take from another run."""

import copy
import dataclasses
import functools
import itertools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_collections
import pandas as pd

import asd_tf
from asd_tf.config import first_difference, flatten
from asd_tf.data.clips import clips_digest, load_clips, write_clips
from asd_tf.embeddings import EmbeddingStore
from asd_tf.errors import InputError, UsageError
from asd_tf.files import atomic_path, read_json, write_json
from asd_tf.training.devices import Devices
from asd_tf.training.stage import Stage


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run is, beside the values of its recipe.

    Attributes:
        method: Name of the method.
        recipe: Name of the recipe.
        dataset: Name of the layout of the data, such as `dcase2022`.
        seed: Seed of everything random.
        num_runs: How many runs with seeds from `seed` on are fused; 1 is a single run.
        untrained: Whether all training is skipped, for the floor of a report.
        mixed_precision: See `Devices.precision`.
        strategy: See `Devices.strategy`.
        deterministic: See `Devices.deterministic`.
        on_bad_file: `fail` or `skip`.
    """

    method: str
    recipe: str
    dataset: str
    seed: int = 0
    num_runs: int = 1
    untrained: bool = False
    mixed_precision: str = "float32"
    strategy: str = "one_device"
    deterministic: bool = False
    on_bad_file: str = "fail"

    @property
    def devices(self) -> Devices:
        """The hardware settings alone."""
        return Devices(self.mixed_precision, self.strategy, self.deterministic)


# Sections of a recipe that all parts of a run have alike.
SHARED_SECTIONS = ("data", "calibration")

# What the weights of any training depend on, beside keys of the recipe.
_TRAINING_SETTINGS = ("method", "seed", "untrained", "mixed_precision", "strategy", "deterministic")


class Run:
    """An open run folder.

    Args:
        folder: The folder.
        settings: What the run is.
        config: Its recipe, with all overrides applied.
        clips: All clips that it trains on and scores.
        reuse: Folder of another run to take finished stages and embeddings from.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        config: ml_collections.ConfigDict,
        clips: pd.DataFrame,
        reuse: Path | None = None,
    ):
        self.folder = folder
        self.settings = settings
        self.config = config
        self.clips = clips
        self.reuse = reuse
        self._recipe = config
        self._section: str | None = None
        self._place: tuple[str, ...] = ()
        self._numbers = itertools.count(1)

    @classmethod
    def open(
        cls,
        folder: Path,
        settings: Settings,
        config: ml_collections.ConfigDict,
        clips: pd.DataFrame,
        *,
        overwrite: bool = False,
        reuse: Path | None = None,
    ) -> "Run":
        """Opens a run folder, new or to be resumed.

        Args:
            folder: The folder.
            settings: What the run is.
            config: Its recipe, with all overrides applied.
            clips: All clips that it trains on and scores.
            overwrite: Whether a run that is already there is deleted first.
            reuse: Folder of another run to take finished stages and embeddings from.

        Raises:
            UsageError: If the folder holds a run with other settings, or data.
            InputError: If it holds something that is no run.
        """
        if overwrite and folder.exists():
            _delete_run(folder)
        run = cls(folder, settings, config, clips, reuse)
        if (folder / "config.json").exists():
            run._check_same(read_config(folder))
        else:
            if folder.exists() and any(folder.iterdir()):
                raise InputError(
                    f"{folder}: the folder is not empty and holds no run; choose another"
                )
            # Both or neither, so that a run that is killed here begins again.
            with atomic_path(folder) as temporary:
                write_clips(temporary / "clips.csv", clips)
                write_json(temporary / "config.json", run.description())
        if reuse is not None and not (reuse / "config.json").exists():
            raise UsageError(f"--reuse={reuse}: no run is there")
        return run

    @classmethod
    def load(cls, folder: Path) -> "Run":
        """Opens a run that is there, as it was begun.

        Raises:
            InputError: If there is none, or its files are damaged.
        """
        stored = read_config(folder)
        return cls(
            folder,
            Settings(**stored["settings"]),
            ml_collections.ConfigDict(stored["recipe"]),
            load_clips(folder / "clips.csv"),
        )

    def part(self, name: str, section: str | None = None) -> "Run":
        """Returns the same run for a part of it that has a detector of its own.

        It has the clips and the settings of the run. Its detector and its embeddings lie in folders
        of the name, which its stages, numbered apart, have in theirs.

        Args:
            name: Of the part, one word.
            section: Section of the recipe that is the part's, beside `data` and `calibration`;
                None for the recipe of the run.
        """
        part = copy.copy(self)
        part._place = (*self._place, name)
        part._numbers = itertools.count(1)
        if section is not None:
            shared = {key: self.config[key] for key in SHARED_SECTIONS}
            own = {**self.config[section].to_dict(), **shared}
            part.config = ml_collections.ConfigDict(own).lock()
            part._section = section
        return part

    def description(self) -> dict[str, Any]:
        """Returns what `config.json` says: version, settings, data and recipe."""
        return {
            "asd_tf": asd_tf.__version__,
            "settings": dataclasses.asdict(self.settings),
            "clips": {"count": len(self.clips), "sha256": clips_digest(self.clips)},
            "recipe": self._recipe.to_dict(),
        }

    def _check_same(self, stored: Mapping[str, Any]) -> None:
        mine = self.description()
        for part in ("settings", "recipe", "clips"):
            difference = first_difference(stored[part], mine[part])
            if difference is not None:
                key, there, here = difference
                name = f"{part}.{key}" if part == "clips" else key
                raise UsageError(
                    f"{self.folder} holds a run with {name}={there}, not {here}: choose another "
                    "--run_dir, or --overwrite to start anew"
                )

    @property
    def detector_folder(self) -> Path:
        """Where the detector goes; that of a part stays until the whole is put together."""
        return self._work_folder / "detector"

    @property
    def parts_folder(self) -> Path:
        """Where the detectors of its parts stand until they are put together."""
        return self._work_folder / "parts"

    @property
    def _work_folder(self) -> Path:
        return functools.reduce(
            lambda folder, name: folder / "parts" / name, self._place, self.folder
        )

    @property
    def embeddings(self) -> EmbeddingStore:
        """The features that were computed."""
        reuse = None if self.reuse is None else self.reuse / "embeddings"
        store = EmbeddingStore(self.folder / "embeddings", reuse)
        return functools.reduce(EmbeddingStore.part, self._place, store)

    @property
    def evaluation_folder(self) -> Path:
        """Where scores, metrics and pictures go."""
        return self.folder / "evaluation"

    def single_folder(self, index: int) -> Path:
        """Returns the folder of one of the runs that are fused."""
        return single_folder(self.folder, index)

    @property
    def samples(self) -> int:
        """Length of a waveform."""
        return round(self.config.data.seconds * self.config.data.sample_rate)

    @property
    def train_clips(self) -> pd.DataFrame:
        """The clips to train on, with a new index from 0."""
        return self.clips[self.clips["split"] == "train"].reset_index(drop=True)

    @property
    def test_clips(self) -> pd.DataFrame:
        """The clips to score, with a new index from 0."""
        return self.clips[self.clips["split"] == "test"].reset_index(drop=True)

    def stage(self, name: str, depends_on: Sequence[str]) -> Stage:
        """Opens the next stage, and takes it from the run to reuse where there is one.

        Args:
            name: What the stage does, one word.
            depends_on: The sections or dotted keys of the recipe that its result depends on.

        Raises:
            UsageError: If the other run differs in one of these keys, or has not finished it.
        """
        if self._section is not None:
            depends_on = [
                key if key.split(".")[0] in SHARED_SECTIONS else f"{self._section}.{key}"
                for key in depends_on
            ]
        label = "-".join([f"{next(self._numbers):02d}", *self._place, name])
        folder = self.folder / "stages" / label
        if self.reuse is not None and not (folder / "DONE").exists():
            self._take_stage(label, depends_on)
        return Stage(
            folder, tensorboard=self.folder / "tensorboard" / label, seed=self.settings.seed
        )

    def _take_stage(self, label: str, depends_on: Sequence[str]) -> None:
        there = self.reuse / "stages" / label
        difference = first_difference(
            _dependencies(read_config(self.reuse), depends_on),
            _dependencies(self.description(), depends_on),
        )
        if difference is not None:
            key, theirs, mine = difference
            raise UsageError(
                f"--reuse={self.reuse}: {label} was made with {key}={theirs}, this run has {mine}"
            )
        if not (there / "DONE").exists():
            raise UsageError(f"--reuse={self.reuse}: {label} is not finished there")
        with atomic_path(self.folder / "stages" / label) as temporary:
            shutil.copytree(there, temporary)


def single_folder(folder: Path, index: int) -> Path:
    """Returns the folder of a single run within that of several."""
    return folder / "runs" / str(index)


def _dependencies(description: Mapping[str, Any], depends_on: Sequence[str]) -> dict[str, Any]:
    """Picks from a run's description what a stage depends on."""
    recipe = {
        key: value
        for key, value in flatten(description["recipe"]).items()
        if any(key == name or key.startswith(f"{name}.") for name in depends_on)
    }
    settings = {key: description["settings"].get(key) for key in _TRAINING_SETTINGS}
    return {**settings, **recipe, "clips": description["clips"]["sha256"]}


def read_config(folder: Path) -> dict[str, Any]:
    """Reads the `config.json` of a run.

    Raises:
        InputError: If the folder holds no run, or the file is broken.
    """
    path = folder / "config.json"
    try:
        return read_json(path)
    except OSError:
        raise InputError(f"{folder}: no run is there (config.json is missing)") from None
    except ValueError:
        raise InputError(f"{path}: the file is not JSON; use --overwrite to start anew") from None


def _delete_run(folder: Path) -> None:
    """Deletes a run, but never a folder of anything else."""
    if any(folder.iterdir()) and not (folder / "config.json").exists():
        raise InputError(f"--overwrite: {folder} holds no run, so it is left as it is")
    shutil.rmtree(folder)
