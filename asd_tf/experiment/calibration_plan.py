"""What calibrates a detector: the trainings that `calibration.method` takes, and their clips."""

import copy
import dataclasses
from collections.abc import Iterator

import ml_collections
import numpy as np
import pandas as pd

from asd_tf.config import check_choices, check_ranges
from asd_tf.data.groups import Group, rows_of_groups
from asd_tf.data.layouts.editions import EDITIONS
from asd_tf.data.sessions import (
    choose_grouping,
    lone_domain_lines,
    one_session_lines,
    unit_names,
)
from asd_tf.errors import UsageError
from asd_tf.methods.registry import Method, needs_held_out
from asd_tf.run.run import without_training
from asd_tf.scoring.calibration import BACKEND_ONLY, CROSS_FIT_NETWORK, HOLDOUT, METHODS
from asd_tf.scoring.folds import divided_alone, fold_numbers, held_out_mask
from asd_tf.scoring.promises import EPOCHS_SHARE, NETWORKS

_LIMITS = {
    "calibration.networks": NETWORKS,
    "calibration.epochs_share": EPOCHS_SHARE,
}
_HELD_OUT = {"calibration.held_out": (0.01, 0.5)}

# Keys of a recipe that count epochs, by their last word.
_EPOCHS = ("epochs", "constant_epochs", "drop_after")


@dataclasses.dataclass(frozen=True)
class CalibrationPlan:
    """The section `calibration` of a recipe.

    Attributes:
        method: One of `METHODS`.
        held_out: Share of the recordings that `holdout` keeps from the training.
        networks: Number of networks of `cross_fit_network`.
        epochs_share: Share of the epochs that each of these is trained for.
        group_by: What belongs together, see `asd_tf.data.sessions`.
    """

    method: str
    held_out: float
    networks: int
    epochs_share: float
    group_by: str | None

    @classmethod
    def of(cls, config: ml_collections.ConfigDict) -> "CalibrationPlan":
        """Returns the plan of a recipe."""
        section = config.calibration
        return cls(**{field.name: section[field.name] for field in dataclasses.fields(cls)})

    def held_by_training(self, clips: pd.DataFrame) -> list[np.ndarray]:
        """Returns, for each training beside that of all clips, the clips that it does not see.

        Args:
            clips: The clip table of the training clips.

        Returns:
            [n] bool each; none with `backend_only`.
        """
        if self.method == HOLDOUT:
            return [held_out_mask(clips, self.group_by, self.held_out)]
        if self.method == CROSS_FIT_NETWORK:
            folds = fold_numbers(clips, self.group_by, self.networks)
            return [folds == fold for fold in range(self.networks)]
        return []

    @property
    def relative_cost(self) -> float:
        """The clips that all trainings take in an epoch, relative to one training with all clips.

        With the share of the epochs, if that is not 1.
        """
        if self.method == CROSS_FIT_NETWORK:
            return (self.networks - 1) * self.epochs_share
        return 1 - self.held_out if self.method == HOLDOUT else 1.0

    def cost_line(self) -> str | None:
        """Returns a line on what the method costs; None where it is one usual training."""
        if self.method == CROSS_FIT_NETWORK:
            share = (
                "" if self.epochs_share == 1 else f" of {100 * self.epochs_share:g} % of the epochs"
            )
            return f"calibration.method={self.method}: {self.networks} trainings{share}"
        if self.method == HOLDOUT:
            return (
                f"calibration.method={self.method}: 1 training, without {100 * self.held_out:g} % "
                "of the recordings, which calibrate it"
            )
        return None

    def network_config(
        self, config: ml_collections.ConfigDict, method: Method
    ) -> ml_collections.ConfigDict:
        """Returns the recipe of a network that does not see all clips.

        It holds out no more clips, unless the method needs that for its backends.

        Args:
            config: The recipe of the run.
            method: The module of the method.
        """
        own = copy.deepcopy(config).unlock()
        if not needs_held_out(method):
            own.calibration.held_out = 0.0
        if self.method == CROSS_FIT_NETWORK and self.epochs_share < 1:
            _scale_epochs(own, self.epochs_share)
        return own.lock()


def _scale_epochs(section: ml_collections.ConfigDict, share: float) -> None:
    """Multiplies every number of epochs in a recipe; none that was above 0 becomes 0."""
    for key, value in section.items():
        if isinstance(value, ml_collections.ConfigDict):
            _scale_epochs(value, share)
        elif key in _EPOCHS and value is not None:
            numbers = value if isinstance(value, tuple) else (value,)
            scaled = tuple(max(round(share * number), min(number, 1)) for number in numbers)
            section[key] = scaled if isinstance(value, tuple) else scaled[0]


def set_grouping(
    config: ml_collections.ConfigDict, clips: pd.DataFrame, dataset: str
) -> Iterator[str]:
    """Fills in `calibration.group_by` where the recipe has none, and yields the lines on it.

    Args:
        config: The recipe; changed in place.
        clips: The clip table of the run.
        dataset: Layout of the data.

    Raises:
        UsageError: If a training clip has no value of the one that is named.
    """
    training = clips[clips["split"] == "train"].reset_index(drop=True)
    section = config.calibration
    if section.get("group_by") is None:
        section.group_by, lines = choose_grouping(training, dataset in EDITIONS)
        yield from lines
        return
    unit_names(training, section.group_by)  # raises an error where it is missing
    yield from one_session_lines(training, section.group_by)
    yield from lone_domain_lines(training, section.group_by)


def check_plan(
    config: ml_collections.ConfigDict, method: Method, clips: pd.DataFrame
) -> Iterator[str]:
    """Checks that every training that is planned can begin, and yields the lines on them.

    Args:
        config: The recipe.
        method: The module of the method, which has checked the recipe for all clips.
        clips: The clip table of the run.

    Raises:
        UsageError: If a value is impossible, or a training has too few clips.
    """
    check_choices(config, {"calibration.method": METHODS})
    check_ranges(config, _LIMITS)
    plan = CalibrationPlan.of(config)
    if plan.method == BACKEND_ONLY:
        return
    if plan.method == HOLDOUT:
        check_ranges(config, _HELD_OUT)
    own = plan.network_config(config, method)
    training = clips[clips["split"] == "train"].reset_index(drop=True)
    held_by_training = plan.held_by_training(training)
    if not np.any(held_by_training):
        raise UsageError(
            f"calibration.method={plan.method}: no machine and section has two recordings, or "
            "sessions, of a domain, one of which could calibrate it: record more, or use "
            f"{BACKEND_ONLY}"
        )
    for held in held_by_training:
        method.check(own, without_training(clips, held))
    if line := plan.cost_line():
        yield line
    yield from _few_lines(training, held_by_training)
    if plan.method == CROSS_FIT_NETWORK:
        alone = divided_alone(training, plan.group_by, plan.networks)
        if alone:
            yield _alone_line(alone, plan.group_by)


def _few_lines(training: pd.DataFrame, held_by_training: list[np.ndarray]) -> Iterator[str]:
    """Yields a line on each group of which not every network leaves out clips."""
    for group, rows in rows_of_groups(training).items():
        leaves_out = sum(bool(held[rows].any()) for held in held_by_training)
        if leaves_out < len(held_by_training):
            yield _few_line(group, leaves_out, len(held_by_training))


def _alone_line(groups: list[Group], group_by: str | None) -> str:
    more = f" and {len(groups) - 1} more" if groups[1:] else ""
    return (
        f"{groups[0][0]}, section {groups[0][1]}{more}: all in one fold of {group_by} of the "
        "machine, and thus divided alone: a network may have heard, in another section, what "
        "calibrates it here"
    )


def _few_line(group: Group, leaves_out: int, trainings: int) -> str:
    name = f"{group[0]}, section {group[1]}"
    if not leaves_out:
        return (
            f"{name}: too few recordings to hold one out; all are trained on, and it has no "
            "threshold of its own"
        )
    return (
        f"{name}: {leaves_out} recordings or sessions for {trainings} networks: "
        f"{trainings - leaves_out} of these have seen all of it"
    )
