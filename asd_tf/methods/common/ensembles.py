"""Ensembles of networks: candidates from a recipe, their selection, and their fusion."""

import copy
import logging
import shutil
from collections.abc import Callable, Sequence

import ml_collections

from asd_tf.config import check_choice
from asd_tf.detector.fused import check_can_be_fused, write_fused_detector
from asd_tf.errors import UsageError
from asd_tf.run.run import Run
from asd_tf.scoring.fusion import Fusion

_logger = logging.getLogger(__name__)


def candidates(
    config: ml_collections.ConfigDict, sections: Sequence[str]
) -> list[ml_collections.ConfigDict]:
    """Returns the recipe of each network that is trained as a candidate for the ensemble.

    `ensemble.vary` has a tuple of values for each key that varies, in the sections of the recipe;
    candidate k gets value k modulo the number of values.

    Args:
        config: The recipe, with `ensemble.candidates` and `ensemble.vary`.
        sections: Sections of the recipe that may vary: those of the networks alone.

    Raises:
        UsageError: If there are fewer candidates than members, or a key is unknown or may not vary.
    """
    ensemble = config.ensemble
    if ensemble.size > ensemble.candidates:
        raise UsageError(
            f"ensemble.size={ensemble.size}: there are ensemble.candidates={ensemble.candidates} "
            "to choose from"
        )
    recipes = []
    for index in range(ensemble.candidates):
        recipe = copy.deepcopy(config)
        for section, keys in ensemble.vary.items():
            check_choice("section of ensemble.vary", section, sections)
            for key, values in keys.items():
                check_choice(f"key of ensemble.vary.{section}", key, list(recipe[section]))
                recipe[section][key] = values[index % len(values)]
        recipes.append(recipe)
    return recipes


def best(losses: Sequence[float], size: int) -> list[int]:
    """Returns the numbers of the `size` candidates with the smallest losses, the best first."""
    return sorted(range(len(losses)), key=lambda index: losses[index])[:size]


def write_ensemble(run: Run, fit_member: Callable[[Run, int], None], size: int, rule: str) -> None:
    """Writes the detector of a run: that of its only member, or of several members fused.

    Args:
        run: The run.
        fit_member: From a part of the run and the number of a member; writes the detector of the
            member into the part.
        size: Number of members.
        rule: Rule by which standardized scores are fused, see `Fusion`.
    """
    if size == 1:
        fit_member(run, 0)
        return
    names = [f"model_{index}" for index in range(size)]
    fuse_parts(
        run,
        {name: run.part(name) for name in names},
        lambda name: fit_member(run.part(name), names.index(name)),
        rule,
    )


def fuse_parts(run: Run, parts: dict[str, Run], fit_part: Callable[[str], None], rule: str) -> None:
    """Makes the missing detectors of the parts of a run, and fuses all of them.

    Args:
        run: The run.
        parts: Name to part.
        fit_part: From the name of a part; writes its detector.
        rule: Rule by which the scores are fused, standardized by each part's calibration.
    """
    for index, (name, part) in enumerate(parts.items()):
        if not (part.detector_folder / "detector.json").exists():
            fit_part(name)
        if index == 0:  # fail after the first part, not after the last
            check_can_be_fused(part.detector_folder)
    folders = {name: part.detector_folder for name, part in parts.items()}
    calibration = run.config.calibration
    write_fused_detector(
        run.detector_folder, folders, Fusion(rule), calibration.false_alarms, calibration.rule
    )
    shutil.rmtree(run.parts_folder)


def log_selection(name: str, chosen: Sequence[int], losses: Sequence[float]) -> None:
    """Logs which candidates enter the ensemble of `name`, and their losses on held-out clips."""
    listed = ", ".join(f"{index} ({losses[index]:.4f})" for index in chosen)
    _logger.info(
        "%s: of %d networks these enter, by their loss on held-out clips: %s",
        name, len(losses), listed,
    )  # fmt: skip
