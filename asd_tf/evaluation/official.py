"""The official score of each challenge year, by name, computed from the metrics of the sections."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from asd_tf.evaluation.metrics import weighted_mean
from asd_tf.evaluation.sections import DECISION_COLUMNS, TERM_COLUMNS

DEFAULT_FORMULA = "dcase2022"
"""The formula of every dataset that has none of its own, a user's folder included."""


@dataclasses.dataclass(frozen=True)
class OfficialScore:
    """One number for many sections, and how much of it could be computed.

    Attributes:
        score: In 0..1; None where no term exists.
        used: Terms that exist and entered the score.
        expected: Terms that the formula asks for in these sections. Where `used` is smaller the
            score leaves terms out and cannot be compared with published ones.
    """

    score: float | None
    used: int
    expected: int


@dataclasses.dataclass(frozen=True)
class Formula:
    """How a year made one number of the metrics of all sections: a mean of some of them.

    Attributes:
        terms: The columns of `section_metrics` that enter.
        mean: `harmonic` or `arithmetic`.
        by_machine: Whether the sections of a machine are averaged first, so that a machine with
            more sections counts no more than others.
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
        """Returns metrics [sections, columns] and their weights in a mean, 0 where there is none.

        Args:
            sections: The table of `section_metrics`, or rows of it.
            columns: The metrics that are wanted.
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
        # Per machine the means over its ids of AUC and of pAUC; over machines the means of those;
        # and the mean of the two.
        "dcase2020": Formula(("auc", "pauc"), "arithmetic", by_machine=True),
        # Over machines, sections and domains, AUC and pAUC of the clips of the domain.
        "dcase2021": Formula(
            ("auc_source_within", "auc_target_within", "pauc_source_within", "pauc_target_within"),
            "harmonic",
        ),
        # Over machines and sections; the AUC of a domain is that of its normal clips against the
        # anomalous clips of both domains, and the pAUC pools the domains.
        "dcase2022": Formula(("auc_source", "auc_target", "pauc"), "harmonic"),
    }
)
"""The formulas by name; that of 2022 is also that of the years since."""


def formula_of(dataset: str) -> str:
    """Returns the name of the formula that a dataset is scored by: its own, or the default."""
    return dataset if dataset in OFFICIAL_SCORES else DEFAULT_FORMULA


def machine_scores(sections: pd.DataFrame, formula: str) -> dict[str, OfficialScore]:
    """Computes the official score of each machine over its own sections."""
    compute = OFFICIAL_SCORES[formula]
    return {machine: compute(rows) for machine, rows in sections.groupby("machine", sort=True)}


def column_means(sections: pd.DataFrame, formula: str) -> dict[str, float | None]:
    """Mean of each metric over the sections in which it exists, of the kind that a formula takes.

    The `_within` columns give the figures that the papers with the within-domain convention print
    (with `auc` for both domains mixed); the columns without it follow the official convention.

    Args:
        sections: The table of `section_metrics`, or rows of it.
        formula: A key of `OFFICIAL_SCORES`. With that of 2020 the means are arithmetic, over the
            means of the machines; with the others they are harmonic, over sections.

    Returns:
        Column name to a mean in 0..1, or None where no section has the metric.
    """
    columns = (*TERM_COLUMNS, *DECISION_COLUMNS)
    values, weights = OFFICIAL_SCORES[formula].weighted(sections, columns)
    means = weighted_mean(OFFICIAL_SCORES[formula].mean, values.T, weights.T)
    return {
        column: None if np.isnan(mean) else float(mean)
        for column, mean in zip(columns, means, strict=True)
    }


def minimum_auc(sections: pd.DataFrame) -> float | None:
    """Computes mAUC: the lowest AUC of each machine's sections, averaged over machines.

    Papers on DCASE 2020 print it to tell how stable a system is.

    Args:
        sections: The table of `section_metrics`, or rows of it.

    Returns:
        A value in 0..1, or None where no section has an AUC.
    """
    lowest = sections.groupby("machine")["auc"].min().dropna()
    return float(lowest.mean()) if len(lowest) else None
