"""What methods share that train several networks for one task, and fuse the best of them."""

import shutil
from collections.abc import Callable, Sequence

import ml_collections

from asd_tf.config import check_choice
from asd_tf.detector.fused import check_can_be_fused, write_fused_detector
from asd_tf.detector.fusion import Fusion
from asd_tf.errors import UsageError
from asd_tf.methods.progress import Say
from asd_tf.run import Run

# Keys of the recipe's section `ensemble`; what else it has is for a method alone.
RANGES = {"ensemble.candidates": (1, 1000), "ensemble.size": (1, 1000)}


def candidates(
    config: ml_collections.ConfigDict, sections: Sequence[str]
) -> list[ml_collections.ConfigDict]:
    """Returns the recipe of each network that is trained as a candidate for the ensemble.

    `ensemble.vary` has a tuple of values for each key that varies, in the sections of the recipe;
    candidate k has the k-th value of each of them, counted round.

    Args:
        config: The recipe, with `ensemble.candidates` and `ensemble.vary`.
        sections: Sections of the recipe that may vary: those of the networks alone.

    Raises:
        UsageError: If there are fewer candidates than members, or a key is unknown or another.
    """
    ensemble = config.ensemble
    if ensemble.size > ensemble.candidates:
        raise UsageError(
            f"ensemble.size={ensemble.size}: there are ensemble.candidates={ensemble.candidates} "
            "to choose from"
        )
    recipes = []
    for index in range(ensemble.candidates):
        recipe = ml_collections.ConfigDict(config.to_dict())
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
        fit_member: Writes the detector of the member with a number, as that of the given part of
            the run.
        size: Number of members.
        rule: Of the fusion, on scores that are standardised: see `Fusion`.
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
    """Makes the detectors of the parts of a run that are not there yet, and fuses them.

    Args:
        run: The run.
        parts: Name to part.
        fit_part: Makes the detector of a part of some name.
        rule: Of the fusion, on scores that are standardised by each part's calibration.
    """
    for index, (name, part) in enumerate(parts.items()):
        if not (part.detector_folder / "detector.json").exists():
            fit_part(name)
        if index == 0:  # better known after the first part than after the last
            check_can_be_fused(part.detector_folder)
    folders = {name: part.detector_folder for name, part in parts.items()}
    quantile = run.config.calibration.quantile
    write_fused_detector(run.detector_folder, folders, Fusion(rule), quantile)
    shutil.rmtree(run.parts_folder)


def say_who_entered(say: Say, whose: str, chosen: Sequence[int], losses: Sequence[float]) -> None:
    """Tells which candidates enter, and how well each did on clips that were held out."""
    listed = ", ".join(f"{index} ({losses[index]:.4f})" for index in chosen)
    say(
        f"{whose}: of {len(losses)} networks these enter, by their loss on clips held out: {listed}"
    )
