"""The run that a method gets: clips, recipe, stages, embeddings and the detector's folder."""

import copy
import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import ml_collections
import numpy as np
import pandas as pd

from asd_tf.extraction.store import EmbeddingStore
from asd_tf.run.folder import RunFolder
from asd_tf.run.settings import Settings
from asd_tf.run.stages import ALL_CLIPS, Stages
from asd_tf.scoring.calibration import BACKEND_ONLY
from asd_tf.training.stage import Stage

SHARED_SECTIONS = ("data", "calibration", "recording")
"""Sections of a recipe that all parts of a run share."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A run, or a part of a run with its own detector.

    Attributes:
        root: The folder, with settings, recipe and clips of the whole run.
        config: The recipe: that of the run, or the part's own sections and the shared ones.
        stages: Opens its stages.
        path: Names of the nested parts down to this one; empty for the whole run.
        section: Section of the run's recipe that is the part's, dotted; None for the whole recipe.
        reuse: Folder of another run to take finished stages and embeddings from.
        init_from: Folder of another run from whose weights the networks start.
        is_calibrated_later: Whether clips that the whole training has not seen calibrate it.
        all_stages_depend_on: Keys of the run's recipe on which each stage depends.
    """

    root: RunFolder
    config: ml_collections.ConfigDict
    stages: Stages
    path: tuple[str, ...] = ()
    section: str | None = None
    reuse: Path | None = None
    init_from: Path | None = None
    is_calibrated_later: bool = False
    all_stages_depend_on: tuple[str, ...] = ()

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
        init_from: Path | None = None,
    ) -> "Run":
        """Opens a run folder, new or to be resumed; see `RunFolder.open`.

        Args:
            folder: The folder.
            settings: The settings beside the recipe.
            config: The recipe, with all overrides applied.
            clips: All clips that it trains on and scores.
            overwrite: Whether a run that is already there is deleted first.
            reuse: Folder of another run to take finished stages and embeddings from.
            init_from: Folder of another run from whose weights the networks start.
        """
        root = RunFolder.open(folder, settings, config, clips, overwrite=overwrite)
        return cls(root, config, Stages(root, reuse), reuse=reuse, init_from=init_from)

    @classmethod
    def load(cls, folder: Path) -> "Run":
        """Opens an existing run with its stored settings; see `RunFolder.load`."""
        root = RunFolder.load(folder)
        return cls(root, root.recipe, Stages(root))

    def part(self, name: str, section: str | None = None) -> "Run":
        """Returns a part of the run with its own detector.

        It has the clips and the settings of the run. Its detector and its embeddings are in folders
        of its name, and the names of its stages begin with its name.

        Args:
            name: Name of the part, one word.
            section: Section of the recipe that is the part's, beside `SHARED_SECTIONS`; None for
                the recipe of the run.
        """
        config, place = self.config, self.section
        if section is not None:
            place = section if place is None else f"{place}.{section}"
            shared = {key: config[key] for key in SHARED_SECTIONS}
            config = ml_collections.ConfigDict({**config[section], **shared}).lock()
        return dataclasses.replace(
            self,
            config=config,
            stages=self.stages.part(name),
            path=(*self.path, name),
            section=place,
        )

    def without(
        self, held_out: np.ndarray, depends_on: Sequence[str], more_held_out: float = 0.0
    ) -> "Run":
        """Returns this run without some of its training clips, which calibrate it afterwards.

        Folders and names of stages stay.

        Args:
            held_out: [training clips] bool, the clips to leave out.
            depends_on: Keys of the run's recipe on which the choice of these clips depends.
            more_held_out: Share of the other recordings that the method holds out by itself, as
                some do for their backends.
        """
        kept = without_training(self.clips, held_out)
        config = copy.deepcopy(self.config).unlock()
        if "held_out" in config.calibration:
            config.calibration.held_out = more_held_out
        return dataclasses.replace(
            self,
            root=dataclasses.replace(self.root, clips=kept),
            config=config.lock(),
            is_calibrated_later=True,
            all_stages_depend_on=tuple(depends_on),
        )

    def stage(self, name: str, depends_on: Sequence[str], order: int | None = None) -> Stage:
        """Opens a stage; see `Stages.open`, whose keys are those of `config` here."""
        if self.section is not None:
            shared = (*SHARED_SECTIONS, ALL_CLIPS)
            depends_on = [
                key if key.split(".")[0] in shared else f"{self.section}.{key}"
                for key in depends_on
            ]
        return self.stages.open(name, [*depends_on, *self.all_stages_depend_on], order)

    @property
    def folder(self) -> Path:
        """The folder of the whole run."""
        return self.root.path

    @property
    def settings(self) -> Settings:
        """The settings beside the recipe."""
        return self.root.settings

    @property
    def clips(self) -> pd.DataFrame:
        """All clips."""
        return self.root.clips

    @property
    def detector_folder(self) -> Path:
        """Where the detector goes; that of a part is deleted once the parts are fused."""
        return self._work_folder / "detector"

    @property
    def parts_folder(self) -> Path:
        """Where the detectors of its parts are until they are fused."""
        return self._work_folder / "parts"

    @property
    def _work_folder(self) -> Path:
        return functools.reduce(
            lambda folder, name: folder / "parts" / name, self.path, self.folder
        )

    @functools.cached_property
    def embeddings(self) -> EmbeddingStore:
        """The store of the computed features."""
        reuse = None if self.reuse is None else self.reuse / "embeddings"
        store = EmbeddingStore(self.folder / "embeddings", reuse)
        return functools.reduce(EmbeddingStore.part, self.path, store)

    @property
    def evaluation_folder(self) -> Path:
        """Where scores, metrics and plots go."""
        return self.folder / "evaluation"

    @property
    def calibrates_itself(self) -> bool:
        """Whether the detector keeps the thresholds that `fit_detector` gives it.

        Else clips that the whole training has not seen calibrate it afterwards.
        """
        if self.is_calibrated_later:
            return False
        return self.config.calibration.get("method", BACKEND_ONLY) == BACKEND_ONLY

    @property
    def samples(self) -> int:
        """Length of a waveform."""
        return round(self.config.data.seconds * self.config.data.sample_rate)

    @functools.cached_property
    def train_clips(self) -> pd.DataFrame:
        """The clips to train on, with a new index from 0."""
        return self.clips[self.clips["split"] == "train"].reset_index(drop=True)

    @functools.cached_property
    def test_clips(self) -> pd.DataFrame:
        """The clips to score, with a new index from 0."""
        return self.clips[self.clips["split"] == "test"].reset_index(drop=True)


def without_training(clips: pd.DataFrame, held_out: np.ndarray) -> pd.DataFrame:
    """Returns a clip table without some of its training clips.

    Args:
        clips: The clip table.
        held_out: [training clips] bool, true for those to leave out.
    """
    kept = np.ones(len(clips), bool)
    kept[np.flatnonzero(clips["split"] == "train")[held_out]] = False
    return clips[kept].reset_index(drop=True)
