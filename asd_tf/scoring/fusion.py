"""Fusion: rules that combine the scores of several detectors into one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.config import choice_problem
from asd_tf.data.groups import Group
from asd_tf.scoring.p_values import scores_to_judge_by
from asd_tf.scoring.tail import NormalTail

RULES = ("sum", "mean", "median", "max", "rank", "mean_rank")
SCALES = ("raw", "standardized")

_WEIGHTED = ("sum", "mean", "max", "rank", "mean_rank")
_OF_RANKS = ("rank", "mean_rank")

Weights = tuple[float, ...]
Scale = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Fusion:
    """The rule of a fusion.

    Attributes:
        rule: `sum`, `mean`, `median` or `max` of the parts' scores; `rank` for the mean of
            -log(share of normal clips with a higher score), so that only the ranks among normal
            clips matter; `mean_rank` for the mean of these ranks themselves, in 0..1.
        scale: `raw`, or `standardized` by mean and standard deviation of the part's calibration
            scores in the group. It has no effect on ranks.
        weights: Weight of each part in `sum`, `mean`, `max` and ranks; None for equal weights. The
            largest weighted score is not that of a part with weight 0, unless the part has none.
        machine_weights: Machine to its own `weights`; None if these are the same for all machines.
    """

    rule: str = "mean"
    scale: str = "standardized"
    weights: Weights | None = None
    machine_weights: Mapping[str, Weights] | None = None

    def __post_init__(self) -> None:
        """Checks the arguments.

        Raises:
            ValueError: If a name is unknown, weights are negative or all zero, or the rule has no
                weights.
        """
        for name, choices in (("rule", RULES), ("scale", SCALES)):
            problem = choice_problem(name, getattr(self, name), choices)
            if problem:
                raise ValueError(problem)
        if self.weights is not None and self.machine_weights is not None:
            raise ValueError("give weights, or weights of machines, not both")
        if self.weights is not None:
            object.__setattr__(self, "weights", self._checked(self.weights))
        if self.machine_weights is not None:
            checked = {name: self._checked(own) for name, own in self.machine_weights.items()}
            object.__setattr__(self, "machine_weights", checked)

    def _checked(self, given: Sequence[float]) -> Weights:
        weights = tuple(float(weight) for weight in given)
        if self.rule not in _WEIGHTED:
            raise ValueError(f"the rule {self.rule} uses no weights: leave them out")
        if not all(np.isfinite(weights)) or min(weights) < 0 or not any(weights):
            raise ValueError(f"weights must be finite and at least 0, and not all 0, got {weights}")
        return weights

    def check_parts(self, count: int) -> None:
        """Checks that there is one weight for each part, if there are weights.

        Raises:
            ValueError: If there are more or fewer weights than parts.
        """
        given = [] if self.weights is None else [self.weights]
        for weights in (*given, *(self.machine_weights or {}).values()):
            if len(weights) != count:
                raise ValueError(f"{len(weights)} weights for {count} detectors: give one for each")

    def check_machines(self, machines: Iterable[str]) -> None:
        """Checks that each machine has weights, if machines have their own.

        Raises:
            ValueError: If one has none.
        """
        for machine in machines:
            if self.machine_weights is not None and machine not in self.machine_weights:
                raise ValueError(f"{machine}: has no weights, and other machines have")

    def to_json(self) -> dict[str, Any]:
        """Returns the rule as plain values."""
        values = asdict(self)
        if self.machine_weights is None:
            del values["machine_weights"]
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Fusion":
        """Returns the rule that `to_json` returned as `values`; earlier ones know no machines."""
        return cls(
            values["rule"], values["scale"], values["weights"], values.get("machine_weights")
        )


class FittedFusion:
    """A fusion with the scale of each part in each group.

    Args:
        fusion: The rule.
        calibration: Scores of normal clips: the columns machine and section, and one for each part.
        parts: Names of the parts.
    """

    def __init__(self, fusion: Fusion, calibration: pd.DataFrame, parts: Sequence[str]):
        self.fusion = fusion
        self._scales: dict[Group, list[Scale]] = {}
        for machine, of_machine in calibration.groupby("machine"):
            for section, of_group in of_machine.groupby("section"):
                self._scales[machine, section] = [
                    self._scale(scores_to_judge_by(of_group[part], of_machine[part])[0])
                    for part in parts
                ]

    def __call__(self, scores: np.ndarray, groups: Iterable[Group]) -> np.ndarray:
        """Fuses scores.

        Args:
            scores: [parts, n, ...] scores of n clips, or of their items.
            groups: (machine, section) of each clip.

        Returns:
            [n, ...] scores; NaN where a part has no score, in groups without calibration scores
            unless the scale is `raw`, and for machines without weights if others have their own.
        """
        scores, groups = np.array(scores, np.float64), list(groups)
        if self.fusion.rule in _OF_RANKS or self.fusion.scale != "raw":
            numbers, names = pd.factorize(pd.Index(groups, tupleize_cols=False))
            for number, group in enumerate(names):
                mask = numbers == number
                for part, scale in enumerate(self._scales.get(group, [_all_nan] * len(scores))):
                    scores[part, mask] = scale(scores[part, mask])
        if self.fusion.machine_weights is None:
            return self._combined(scores, self.fusion.weights)
        fused = np.full(scores.shape[1:], np.nan)
        machines = np.array([machine for machine, _ in groups], object)
        for machine, weights in self.fusion.machine_weights.items():
            fused[machines == machine] = self._combined(scores[:, machines == machine], weights)
        return fused

    def _scale(self, scores: np.ndarray) -> Scale:
        if not len(scores):
            return _all_nan
        if self.fusion.rule in _OF_RANKS:
            tail = NormalTail(scores)
            return tail.neg_log_tail if self.fusion.rule == "rank" else tail.rank
        mean, std = scores.mean(), scores.std()
        return lambda values: (values - mean) / (std if std > 1e-12 else 1.0)

    def _combined(self, scores: np.ndarray, given: Weights | None) -> np.ndarray:
        if self.fusion.rule == "median":
            return np.median(scores, axis=0)
        if self.fusion.rule == "max":
            return np.max(scores if given is None else _weighted(scores, given), axis=0)
        weights = np.array(given or np.ones(len(scores)))
        total = np.sum(
            [weight * part for weight, part in zip(weights, scores, strict=True)], axis=0
        )
        return total if self.fusion.rule == "sum" else total / weights.sum()


def _weighted(scores: np.ndarray, weights: Weights) -> np.ndarray:
    """Weights scores [parts, ...] for their maximum, in which parts of weight 0 have no say."""
    silent = np.where(np.isnan(scores), np.nan, -np.inf)
    return np.stack(
        [
            weight * part if weight else none
            for weight, part, none in zip(weights, scores, silent, strict=True)
        ]
    )


def _all_nan(values: np.ndarray) -> np.ndarray:
    return np.full_like(values, np.nan)
