"""Rules by which the scores of several detectors become one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.calibration import scores_to_judge_by
from asd_tf.config import check_choice
from asd_tf.detector.base import Group
from asd_tf.errors import UsageError
from asd_tf.survival import Survival

RULES = ("sum", "mean", "median", "max", "rank")
SCALES = ("raw", "standardised")

_WEIGHTED = ("sum", "mean", "rank")

Scale = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Fusion:
    """How scores are fused.

    Attributes:
        rule: `sum`, `mean`, `median` or `max` of the parts' scores; `rank` for the mean of
            -log(share of normal clips that score higher), so that only ranks among normal clips
            count.
        scale: `raw`, or `standardised` by mean and standard deviation of the calibration scores of
            a part in the group. `rank` has a scale of its own.
        weights: One for each part, of sum, mean and rank; None for equal ones.
    """

    rule: str = "mean"
    scale: str = "standardised"
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Refuses what is not known.

        Raises:
            UsageError: If a name is unknown, or weights are negative, all zero or of no use.
        """
        check_choice("rule", self.rule, RULES)
        check_choice("scale", self.scale, SCALES)
        if self.weights is None:
            return
        object.__setattr__(self, "weights", tuple(float(weight) for weight in self.weights))
        if self.rule not in _WEIGHTED:
            raise UsageError(f"weights mean nothing to the rule {self.rule}: leave them out")
        if not all(np.isfinite(self.weights)) or min(self.weights) < 0 or not any(self.weights):
            raise UsageError(f"weights {self.weights}: none may be below zero, and one above it")

    def check_parts(self, count: int) -> None:
        """Refuses weights for another number of parts.

        Raises:
            UsageError: If there are more or fewer weights than parts.
        """
        if self.weights is not None and len(self.weights) != count:
            raise UsageError(f"{len(self.weights)} weights for {count} detectors: give one to each")

    def to_json(self) -> dict[str, Any]:
        """Returns the rule as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Fusion":
        """Returns what `to_json` gave as `values`."""
        weights = values["weights"]
        return cls(values["rule"], values["scale"], None if weights is None else tuple(weights))


class FittedFusion:
    """A fusion whose scales are known for every group.

    Args:
        fusion: The rule.
        calibration: Columns machine, section and one for each part: scores of normal clips.
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
            groups: (machine, section) of each clip; a clip of a group without calibration scores
                has no fused score but by a rule that needs none.

        Returns:
            [n, ...] scores, NaN where a part has none.
        """
        scores = np.array(scores, np.float64)
        if self.fusion.rule == "rank" or self.fusion.scale != "raw":
            numbers, names = pd.factorize(pd.Index(list(groups), tupleize_cols=False))
            for number, group in enumerate(names):
                rows = numbers == number
                for part, scale in enumerate(self._scales.get(group, [_nothing] * len(scores))):
                    scores[part, rows] = scale(scores[part, rows])
        return self._combined(scores)

    def _scale(self, scores: np.ndarray) -> Scale:
        if not len(scores):
            return _nothing
        if self.fusion.rule == "rank":
            return Survival(scores).surprise
        mean, sd = scores.mean(), scores.std()
        return lambda values: (values - mean) / (sd if sd > 1e-12 else 1.0)

    def _combined(self, scores: np.ndarray) -> np.ndarray:
        if self.fusion.rule in ("median", "max"):
            return {"median": np.median, "max": np.max}[self.fusion.rule](scores, axis=0)
        weights = np.array(self.fusion.weights or np.ones(len(scores)))
        total = np.sum(
            [weight * part for weight, part in zip(weights, scores, strict=True)], axis=0
        )
        return total if self.fusion.rule == "sum" else total / weights.sum()


def _nothing(values: np.ndarray) -> np.ndarray:
    return np.full_like(values, np.nan)
