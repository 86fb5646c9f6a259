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

_WEIGHTED = ("sum", "mean", "rank", "mean_rank")
_OF_RANKS = ("rank", "mean_rank")
_UNWEIGHTED: dict[str, Callable[..., np.ndarray]] = {"median": np.median, "max": np.max}

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
        weights: Weight of each part in `sum`, `mean` and ranks; None for equal weights.
    """

    rule: str = "mean"
    scale: str = "standardized"
    weights: tuple[float, ...] | None = None

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
        if self.weights is None:
            return
        object.__setattr__(self, "weights", tuple(float(weight) for weight in self.weights))
        if self.rule not in _WEIGHTED:
            raise ValueError(f"the rule {self.rule} uses no weights: leave them out")
        if not all(np.isfinite(self.weights)) or min(self.weights) < 0 or not any(self.weights):
            raise ValueError(
                f"weights must be finite and at least 0, and not all 0, got {self.weights}"
            )

    def check_parts(self, count: int) -> None:
        """Checks that there is one weight for each part, if there are weights.

        Raises:
            ValueError: If there are more or fewer weights than parts.
        """
        if self.weights is not None and len(self.weights) != count:
            raise ValueError(
                f"{len(self.weights)} weights for {count} detectors: give one for each"
            )

    def to_json(self) -> dict[str, Any]:
        """Returns the rule as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Fusion":
        """Returns the rule that `to_json` returned as `values`."""
        weights = values["weights"]
        return cls(values["rule"], values["scale"], None if weights is None else tuple(weights))


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
            [n, ...] scores; NaN where a part has no score, and in groups without calibration scores
            unless the scale is `raw`.
        """
        scores = np.array(scores, np.float64)
        if self.fusion.rule in _OF_RANKS or self.fusion.scale != "raw":
            numbers, names = pd.factorize(pd.Index(list(groups), tupleize_cols=False))
            for number, group in enumerate(names):
                mask = numbers == number
                for part, scale in enumerate(self._scales.get(group, [_all_nan] * len(scores))):
                    scores[part, mask] = scale(scores[part, mask])
        return self._combined(scores)

    def _scale(self, scores: np.ndarray) -> Scale:
        if not len(scores):
            return _all_nan
        if self.fusion.rule in _OF_RANKS:
            tail = NormalTail(scores)
            return tail.neg_log_tail if self.fusion.rule == "rank" else tail.rank
        mean, std = scores.mean(), scores.std()
        return lambda values: (values - mean) / (std if std > 1e-12 else 1.0)

    def _combined(self, scores: np.ndarray) -> np.ndarray:
        if self.fusion.rule in _UNWEIGHTED:
            return _UNWEIGHTED[self.fusion.rule](scores, axis=0)
        weights = np.array(self.fusion.weights or np.ones(len(scores)))
        total = np.sum(
            [weight * part for weight, part in zip(weights, scores, strict=True)], axis=0
        )
        return total if self.fusion.rule == "sum" else total / weights.sum()


def _all_nan(values: np.ndarray) -> np.ndarray:
    return np.full_like(values, np.nan)
