"""Several methods in one detector: what to use where it is not known which of them is best.

Each part is a method with a section of the recipe of its own. The score of a clip is the largest of
the weighted standardized scores of the parts, so that a fault need only show in one of them. The
weights of a machine tell how well each part finds pseudo-faults: normal clips of the machine with a
disturbance at the edge of what can be detected. A share of the clips is held out of the training of
networks, to standardize the scores, to choose the weights and to set the thresholds.
"""

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import ml_collections
import numpy as np
import pandas as pd

from asd_tf.config import check_choice, flatten
from asd_tf.data.pseudo_fault_clips import write_pseudo_faults
from asd_tf.detector import Detector
from asd_tf.detector.anew.recalibrate import write_recalibrated
from asd_tf.detector.fused import MIN_COMMON_CLIPS, write_fused_detector
from asd_tf.errors import InputError, NotSuitedError, UsageError
from asd_tf.methods.common.checks import check_recipe
from asd_tf.methods.registry import MODULES, load_method, needs_held_out
from asd_tf.run.run import SHARED_SECTIONS, Run, without_training
from asd_tf.run.unseen_scores import calibration_of, refitted_without
from asd_tf.scoring.calibration import HOLDOUT
from asd_tf.scoring.domains import POOLED
from asd_tf.scoring.fault_weights import fault_aucs, fault_weights
from asd_tf.scoring.folds import held_out_mask
from asd_tf.scoring.fusion import Fusion

# Weights and standardized scores come from clips that no network has seen.
NEEDS_HELD_OUT = True

CHOICES = {"fusion.rule": ("max", "sum", "mean"), "fusion.weights": ("pseudo_faults", "equal")}
LIMITS = {"calibration.held_out": (0.01, 0.5), "fusion.pseudo_faults": (10, 10**5)}

# What the choice of the clips depends on that are held out.
_OF_HELD_OUT = ("calibration.held_out", "calibration.group_by")
_MANIFEST = "detector.json"

_logger = logging.getLogger(__name__)


def fill_in(config: ml_collections.ConfigDict, dataset: str) -> None:
    """Lets each part fill in its values; see `asd_tf.methods.registry.Method`."""
    _check_names(config)
    for name in config.parts:
        module = load_method(name)
        if hasattr(module, "fill_in"):
            own = _recipe_of(config, name)
            module.fill_in(own, dataset)
            _take_values(config[name], own)


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks all parts, and says which are left out; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, CHOICES, LIMITS)
    _check_names(config)
    _, left_out = usable_parts(config, clips)
    for name, reason in left_out.items():
        _logger.warning("%s is left out of the ensemble: %s", name, reason)


def fit(run: Run) -> None:
    """Trains the parts, weights them and writes the detector."""
    config, calibration = run.config, run.config.calibration
    names, _ = usable_parts(config, run.clips)
    held_out = _held_out(config, run.train_clips)
    # Parts that see all clips come last: what a run keeps of its clips is then that of all.
    for name in sorted(names, key=lambda name: not _is_trained(config, name)):
        _fit_part(run, name, held_out)
    folders = {name: _folder_of(run, name) for name in names}
    fusion, more = Fusion(config.fusion.rule), {}
    if config.fusion.weights == "pseudo_faults":
        aucs = _pseudo_fault_aucs(run, names, held_out)
        weights = {machine: fault_weights(of_parts) for machine, of_parts in aucs.items()}
        _log_weights(names, aucs, weights)
        fusion = Fusion(config.fusion.rule, machine_weights=weights)
        more = {"pseudo_fault_auc": aucs}
    write_fused_detector(
        run.detector_folder, folders, fusion, calibration.false_alarms, calibration.rule, more=more
    )
    shutil.rmtree(run.parts_folder)


def usable_parts(
    config: ml_collections.ConfigDict, clips: pd.DataFrame
) -> tuple[list[str], dict[str, str]]:
    """Returns the parts that can learn from the clips, and why the others cannot.

    Args:
        config: The recipe.
        clips: The clip table of the run.

    Raises:
        UsageError: If a value of the recipe of a part is impossible.
        InputError: If no part can learn from the clips.
    """
    train_clips = clips[clips["split"] == "train"].reset_index(drop=True)
    share = config.calibration.held_out
    held_out = _held_out(config, train_clips)
    left_out = {}
    for name in config.parts:
        is_trained = _is_trained(config, name)
        seen = without_training(clips, held_out) if is_trained else clips
        try:
            load_method(name).check(_recipe_of(config, name), seen)
        except (InputError, NotSuitedError) as error:
            left_out[name] = str(error)
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from None
        else:
            if is_trained and held_out.sum() < MIN_COMMON_CLIPS:
                left_out[name] = (
                    f"{held_out.sum()} clips would be held out of its training, and "
                    f"{MIN_COMMON_CLIPS} are needed (calibration.held_out={share:g})"
                )
    used = [name for name in config.parts if name not in left_out]
    if not used:
        name, reason = next(iter(left_out.items()))
        raise InputError(f"no part can learn from these clips; {name}: {reason}")
    return used, left_out


def _check_names(config: ml_collections.ConfigDict) -> None:
    """Checks that each part is a method with a section in the recipe, and is there once."""
    if not config.parts or len(set(config.parts)) < len(config.parts):
        raise UsageError("parts: name at least one, and each once")
    for name in config.parts:
        check_choice("method in parts", name, MODULES)
        if not isinstance(config.get(name), ml_collections.ConfigDict):
            raise UsageError(f"parts: the recipe has no section {name}: write one that has")


def _recipe_of(config: ml_collections.ConfigDict, name: str) -> ml_collections.ConfigDict:
    shared = {key: config[key] for key in SHARED_SECTIONS}
    return ml_collections.ConfigDict({**config[name], **shared})


def _take_values(section: ml_collections.ConfigDict, other: ml_collections.ConfigDict) -> None:
    """Gives a section the values of another one with the same keys."""
    for key, value in section.items():
        if isinstance(value, ml_collections.ConfigDict):
            _take_values(value, other[key])
        else:
            section[key] = other[key]


def _held_out(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> np.ndarray:
    """Returns [training clips] bool, the clips that no network of a part sees."""
    calibration = config.calibration
    return held_out_mask(clips, calibration.get("group_by"), calibration.held_out)


def _is_trained(config: ml_collections.ConfigDict, name: str) -> bool:
    """Returns whether a part trains networks: then its recipe says for how many epochs."""
    return any(key.rsplit(".", 1)[-1] == "epochs" for key in flatten(config[name]))


def _folder_of(run: Run, name: str) -> Path:
    """Returns where the detector of a part is: of trained ones, that which is calibrated anew."""
    folder = run.part(name, section=name).detector_folder
    return folder.with_name("calibrated") if _is_trained(run.config, name) else folder


def _fit_part(run: Run, name: str, held_out: np.ndarray) -> None:
    """Makes the detector of a part, unless that has been done."""
    if (_folder_of(run, name) / _MANIFEST).exists():
        return
    part, module = run.part(name, section=name), load_method(name)
    _logger.info("ensemble: %s", name)
    if not _is_trained(run.config, name):
        module.fit(part)
        return
    calibration = run.config.calibration
    if not (part.detector_folder / _MANIFEST).exists():
        more_held_out = calibration.held_out if needs_held_out(module) else 0.0
        module.fit(part.without(held_out, _OF_HELD_OUT, more_held_out))
    unseen = run.train_clips[held_out].reset_index(drop=True)
    domains = calibration.domains if run.calibrates_itself else POOLED
    entries, scores = calibration_of(part, unseen, domains, run.settings.seed)
    write_recalibrated(
        part.detector_folder,
        _folder_of(run, name),
        scores,
        calibration.rule,
        calibration.false_alarms,
        method=HOLDOUT,
        entries=entries,
    )


def _pseudo_fault_aucs(
    run: Run, names: Sequence[str], held_out: np.ndarray
) -> dict[str, list[float | None]]:
    """Returns how well each part finds pseudo-faults of each machine, see `fault_aucs`.

    They are made of the clips that are held out, and compared with these.
    """
    _logger.info("weigh the parts by pseudo-faults of the clips that are held out")
    clips = run.train_clips
    detectors = {name: _unseeing(run, name, held_out) for name in names}
    normal = clips[held_out].reset_index(drop=True)
    if clips["machine"].nunique() == 1:
        _logger.info("pseudo-faults: no other machine to mix in, so that kind is left out")
    faults = []
    for machine, of_machine in normal.groupby("machine"):
        with tempfile.TemporaryDirectory(prefix="asd_tf-") as folder:
            made = write_pseudo_faults(
                of_machine.reset_index(drop=True),
                clips[clips["machine"] != machine].reset_index(drop=True),
                Path(folder),
                samples=run.samples,
                sample_rate=run.config.data.sample_rate,
                most=run.config.fusion.pseudo_faults,
                seed=run.settings.seed,
            )
            faults.append(_scored(made, detectors))
    aucs = fault_aucs(_scored(normal, detectors), pd.concat(faults, ignore_index=True), names)
    return {
        machine: aucs.get(machine, [None] * len(names))
        for machine in sorted(clips["machine"].unique())
    }


def _unseeing(run: Run, name: str, held_out: np.ndarray) -> Detector:
    """Returns the detector of a part as it is without the clips that are held out."""
    detector = Detector.load(_folder_of(run, name))
    if _is_trained(run.config, name):
        return detector
    return refitted_without(run.part(name, section=name), detector, held_out)


def _scored(clips: pd.DataFrame, detectors: Mapping[str, Detector]) -> pd.DataFrame:
    scores = {name: of.score_with_details(clips).clip for name, of in detectors.items()}
    return clips[["machine", "section"]].assign(**scores)


def _log_weights(
    names: Sequence[str],
    aucs: Mapping[str, Sequence[float | None]],
    weights: Mapping[str, Sequence[float]],
) -> None:
    for machine, of_parts in aucs.items():
        if None in of_parts:
            _logger.warning("%s: no clip of it is held out, so all parts weigh the same", machine)
            continue
        texts = [
            f"{name} {weight:.2f} (AUC {auc:.2f})"
            for name, weight, auc in zip(names, weights[machine], of_parts, strict=True)
        ]
        _logger.info("%s: weights by pseudo-faults: %s", machine, ", ".join(texts))
