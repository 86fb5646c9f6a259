"""The stages of a run: each has a folder and is done once, in this run or in a reused one."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asd_tf.config import first_difference, flatten
from asd_tf.errors import InputError, UsageError
from asd_tf.files import atomic_path
from asd_tf.run.folder import RunFolder, check_resumable, read_description
from asd_tf.run.settings import TRAINING_SETTINGS
from asd_tf.training.stage import Stage

_logger = logging.getLogger(__name__)

ALL_CLIPS = "clips"
"""Stands for the test clips among the dependencies of a stage."""


class Stages:
    """Opens the stages of a run, or of a part of it.

    Args:
        run: The run.
        reuse: Folder of another run to take finished stages from.
        path: Names of the nested parts down to this one.
    """

    def __init__(self, run: RunFolder, reuse: Path | None = None, path: tuple[str, ...] = ()):
        self._run = run
        self._reuse = reuse
        self._path = path

    def part(self, name: str) -> "Stages":
        """Returns the stages of a part, whose folders begin with its name."""
        return Stages(self._run, self._reuse, (*self._path, name))

    def open(self, name: str, depends_on: Sequence[str], order: int | None = None) -> Stage:
        """Opens a stage; copies it from the reused run if that has the same finished stage.

        Args:
            name: Name of the stage, unique in the part, such as `extractor`.
            depends_on: The sections or dotted keys of the recipe that its result depends on, or
                `ALL_CLIPS`; the training clips and `TRAINING_SETTINGS` are always included.
            order: The number of the stage within its method, which is part of its seed since the
                first version; None for stages without random draws, and for newer ones.
        """
        label = "-".join([*self._path, name])
        folder = self._run.path / "stages" / label
        if self._reuse is not None and not (folder / "DONE").exists():
            self._take(self._reuse, label, folder, depends_on)
        return Stage(
            folder,
            tensorboard=self._run.path / "tensorboard" / label,
            seed=self._run.settings.seed,
            seed_word=label if order is None else f"{order:02d}-{label}",
        )

    def _take(self, reuse: Path, label: str, folder: Path, depends_on: Sequence[str]) -> None:
        """Copies a finished stage of the other run if nothing that it depends on differs."""
        source = reuse / "stages" / label
        difference = first_difference(
            _dependencies(read_description(reuse), depends_on),
            _dependencies(self._run.description(), depends_on),
        )
        if difference is not None:
            key, there, here = difference
            advice = f"; --init_from={reuse} starts from its weights" if "clips." in key else ""
            _logger.info(
                "%s: done again, since %s=%s there and %s here%s", label, key, there, here, advice
            )
        elif not (source / "DONE").exists():
            _logger.info("%s: done again, since %s has not finished it", label, reuse)
        else:
            with atomic_path(folder) as temporary:
                shutil.copytree(source, temporary)
            _logger.info("%s: taken from %s", label, reuse)


def check_reusable(folder: Path) -> Path:
    """Returns the folder of a run, if its stages can be reused.

    Raises:
        UsageError: If it holds none, or one of a version with different stages.
    """
    try:
        check_resumable(folder, read_description(folder))
    except InputError as error:
        raise UsageError(f"--reuse={folder}: {error}") from None
    return folder


def _dependencies(description: Mapping[str, Any], depends_on: Sequence[str]) -> dict[str, Any]:
    """Picks the values that a stage depends on from the description of a run."""
    recipe = {
        key: value
        for key, value in flatten(description["recipe"]).items()
        if any(key == name or key.startswith(f"{name}.") for name in depends_on)
    }
    settings = {key: description["settings"].get(key) for key in TRAINING_SETTINGS}
    which = "" if ALL_CLIPS in depends_on else "train_"
    # Runs of earlier versions have no digest of their audio: their stages are done again.
    digests = {
        f"clips.{name}": description["clips"].get(name)
        for name in (f"{which}sha256", f"{which}audio_sha256")
    }
    return {**settings, **recipe, **digests}
