"""The official score of each challenge year, computed from the metrics of the sections."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from asd_tf.data.layouts.editions import EDITIONS
from asd_tf.evaluation.metrics import weighted_mean
from asd_tf.evaluation.section_metrics import DECISION_COLUMNS, TERM_COLUMNS

DEFAULT_FORMULA = "dcase2022"
"""The formula of every dataset without one of its own, including a user's folder."""


@dataclasses.dataclass(frozen=True)
class OfficialScore:
    """The official score of some sections, and the number of terms it was computed from.

    Attributes:
        score: In 0..1; None if no term exists.
        used: Number of terms that exist and entered the score.
        expected: Number of terms that the formula has for these sections. If `used` is smaller,
            the score cannot be compared with published ones.
    """

    score: float | None
    used: int
    expected: int


@dataclasses.dataclass(frozen=True)
class Formula:
    """The official score of a year as a mean of metrics of all sections.

    Attributes:
        terms: The columns of `section_metrics` that enter the mean.
        mean: `harmonic` or `arithmetic`.
        by_machine: Whether the sections of a machine are averaged first, so that all machines count
            alike, whatever their number of sections.
    """

    terms: tuple[str, ...]
    mean: str
    by_machine: bool = False

    def __call__(self, sections: pd.DataFrame) -> OfficialScore:
        """Computes the official score.

        Args:
            sections: The table of `section_metrics`, or rows of it.
        """
        values, weights = self.weighted(sections, self.terms)
        used = int(np.sum(weights > 0))
        score = weighted_mean(self.mean, values.ravel(), weights.ravel())
        return OfficialScore(float(score) if used else None, used, values.size)

    def weighted(
        self, sections: pd.DataFrame, columns: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns metrics and their weights in the mean.

        Args:
            sections: The table of `section_metrics`, or rows of it.
            columns: Which metrics.

        Returns:
            Values [sections, columns], NaN where a metric does not exist, and weights of the same
            shape, 0 there.
        """
        values = sections[list(columns)].to_numpy(np.float64)
        weights = (~np.isnan(values)).astype(np.float64)
        if self.by_machine:
            machine = sections["machine"].to_numpy()
            same_machine = (machine[:, np.newaxis] == machine).astype(np.float64)
            weights /= np.maximum(same_machine @ weights, 1)
        return values, weights


OFFICIAL_SCORES: Mapping[str, Formula] = MappingProxyType(
    {
        # AUC and pAUC are averaged over the sections of each machine, then over machines; the
        # score is the mean of the two.
        "dcase2020": Formula(("auc", "pauc"), "arithmetic", by_machine=True),
        # Harmonic mean over machines, sections and domains of AUC and pAUC within the domain.
        "dcase2021": Formula(
            ("auc_source_within", "auc_target_within", "pauc_source_within", "pauc_target_within"),
            "harmonic",
        ),
        # Harmonic mean over machines and sections. The AUC of a domain compares its normal clips
        # with the anomalous clips of both domains; the pAUC pools the domains.
        "dcase2022": Formula(("auc_source", "auc_target", "pauc"), "harmonic"),
    }
)
"""The formulas by name. The years after 2022 use the formula of 2022."""


def formula_of(dataset: str) -> str:
    """Returns the name of the formula of a dataset: that of its edition, or the default."""
    return EDITIONS[dataset].official_score if dataset in EDITIONS else DEFAULT_FORMULA


def machine_scores(sections: pd.DataFrame, formula: str) -> dict[str, OfficialScore]:
    """Computes the official score of each machine over its own sections."""
    compute = OFFICIAL_SCORES[formula]
    return {machine: compute(rows) for machine, rows in sections.groupby("machine", sort=True)}


def column_means(sections: pd.DataFrame, formula: str) -> dict[str, float | None]:
    """Computes the mean of each metric over the sections in which it exists.

    The means of the `_within` columns, and of `auc` for both domains mixed, are the numbers in
    papers with the within-domain convention; the other columns follow the official convention.

    Args:
        sections: The table of `section_metrics`, or rows of it.
        formula: A key of `OFFICIAL_SCORES`. For `dcase2020` the means are arithmetic, over the
            means of the machines; for all others they are harmonic, over sections.

    Returns:
        Column name to a mean in 0..1, None if no section has the metric.
    """
    columns = (*TERM_COLUMNS, *DECISION_COLUMNS)
    values, weights = OFFICIAL_SCORES[formula].weighted(sections, columns)
    means = weighted_mean(OFFICIAL_SCORES[formula].mean, values.T, weights.T)
    return {
        column: None if np.isnan(mean) else float(mean)
        for column, mean in zip(columns, means, strict=True)
    }


def minimum_auc(sections: pd.DataFrame) -> float | None:
    """Computes mAUC: the lowest AUC among each machine's sections, averaged over machines.

    Papers on DCASE 2020 report it as a measure of stability.

    Args:
        sections: The table of `section_metrics`, or rows of it.

    Returns:
        A value in 0..1, or None if no section has an AUC.
    """
    lowest = sections.groupby("machine")["auc"].min().dropna()
    return float(lowest.mean()) if len(lowest) else None
