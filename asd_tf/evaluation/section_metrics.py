"""AUC, pAUC and metrics of the decisions of every machine and section, in two conventions."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from asd_tf.evaluation.decisions import precision_recall_f1
from asd_tf.evaluation.metrics import auc, partial_auc

KEY_COLUMNS = ("subset", "machine", "section")
"""The columns that identify a section; tables are sorted by them."""

SectionKey = tuple[str, str, str]
"""Subset, machine and section."""


@dataclasses.dataclass(frozen=True)
class Term:
    """A metric over a choice of the clips of a section.

    Attributes:
        metric: `auc` or `partial_auc`.
        mask: Called with two bool arrays [clips], whether a clip is anomalous and whether it is of
            the target domain; returns a bool array [clips], which clips enter the metric.
    """

    metric: Callable[[np.ndarray, np.ndarray], float]
    mask: Callable[[np.ndarray, np.ndarray], np.ndarray]


TERMS: Mapping[str, Term] = MappingProxyType(
    {
        "auc_source": Term(auc, lambda anomalous, in_target: ~in_target | anomalous),
        "auc_target": Term(auc, lambda anomalous, in_target: in_target | anomalous),
        "pauc": Term(partial_auc, lambda anomalous, in_target: np.ones_like(anomalous)),
        "auc": Term(auc, lambda anomalous, in_target: np.ones_like(anomalous)),
        "auc_source_within": Term(auc, lambda anomalous, in_target: ~in_target),
        "auc_target_within": Term(auc, lambda anomalous, in_target: in_target),
        "pauc_source_within": Term(partial_auc, lambda anomalous, in_target: ~in_target),
        "pauc_target_within": Term(partial_auc, lambda anomalous, in_target: in_target),
    }
)
"""The metrics of the scores of a section, in the order of the columns of the table."""

TERM_COLUMNS = tuple(TERMS)

DECISION_COLUMNS = tuple(
    f"{name}{domain}"
    for name in ("precision", "recall", "f1")
    for domain in ("", "_source", "_target")
)
"""The metrics of the stored decisions of a section, over all its clips and within a domain."""

COUNT_COLUMNS = ("clips", "anomalies")
"""Numbers of clips that have a score and a label: all, and the anomalous ones."""


def select_test_clips(scored: pd.DataFrame) -> pd.DataFrame:
    """Returns the test clips of a scored table with plain dtypes.

    Clips without a domain count as source, as in layouts without domains.

    Args:
        scored: The scored table; the columns domain, split, label and score are read.

    Returns:
        A copy of the rows of the test split with `score` as float64 (NaN if missing or not finite),
        `label` as float64 (0, 1, or NaN if unknown) and a new bool column `is_target`.
    """
    test = scored[(scored["split"] == "test").to_numpy(bool, na_value=False)]
    scores = test["score"].to_numpy(np.float64, na_value=np.nan)
    return test.assign(
        score=np.where(np.isfinite(scores), scores, np.nan),
        label=test["label"].astype("Int64").to_numpy(np.float64, na_value=np.nan),
        is_target=(test["domain"].astype("string") == "target").to_numpy(bool, na_value=False),
    )


class Section(NamedTuple):
    """The labeled test clips of a machine and section.

    Attributes:
        key: Subset, machine and section.
        scores: [clips], NaN where a clip has no score.
        anomalous: [clips], bool.
        in_target: [clips], bool.
        decisions: [clips], 0 or 1, NaN where a clip has no decision.
    """

    key: SectionKey
    scores: np.ndarray
    anomalous: np.ndarray
    in_target: np.ndarray
    decisions: np.ndarray

    def scored(self) -> "Section":
        """Returns the section without the clips that have no score."""
        has_score = ~np.isnan(self.scores)
        return Section(self.key, *(values[has_score] for values in self[1:]))


def labeled_sections(scored: pd.DataFrame) -> Iterator[Section]:
    """Yields each machine and section that has labeled test clips, in the order of the table."""
    clips = select_test_clips(scored)
    labeled = clips[clips["label"].notna()]
    for key, rows in labeled.groupby(list(KEY_COLUMNS), sort=True):
        yield Section(
            key,
            rows["score"].to_numpy(),
            rows["label"].to_numpy() == 1,
            rows["is_target"].to_numpy(),
            rows["decision"].astype("Int64").to_numpy(np.float64, na_value=np.nan),
        )


def section_metrics(scored: pd.DataFrame, terms: Sequence[str] = TERM_COLUMNS) -> pd.DataFrame:
    """Computes the metrics of every machine and section.

    `auc_source` and `auc_target` follow the official evaluation since DCASE 2022: the normal clips
    of one domain against the anomalous clips of both. `pauc` and `auc` pool the domains. The
    columns that end in `_within` compare normal and anomalous clips of the same domain, as DCASE
    2021 and the tables of Wilkinghoff (ICASSP 2023) do; values of the two conventions are not
    comparable. `precision`, `recall` and `f1` judge the stored decisions, over all clips and, with
    `_source` and `_target`, within a domain, as the official evaluators print them.

    Args:
        scored: The scored table. Clips without a label are left out of all metrics, clips without a
            score out of the metrics of scores, and clips without a decision out of the metrics of
            decisions.
        terms: The metrics of scores to compute.

    Returns:
        One row for each machine and section that has labeled test clips, sorted, with the columns
        `KEY_COLUMNS`, `terms`, `DECISION_COLUMNS` and `COUNT_COLUMNS`. Metrics are in 0..1, NaN
        where undefined because a class or the domain is missing.
    """
    rows = [_metrics_of(section, terms) for section in labeled_sections(scored)]
    columns = [*KEY_COLUMNS, *terms, *DECISION_COLUMNS, *COUNT_COLUMNS]
    return pd.DataFrame(rows, columns=columns)


def _metrics_of(section: Section, terms: Sequence[str]) -> dict[str, str | float | int]:
    row = dict(zip(KEY_COLUMNS, section.key, strict=True))
    scored = section.scored()
    for column in terms:
        term = TERMS[column]
        mask = term.mask(scored.anomalous, scored.in_target)
        row[column] = term.metric(scored.anomalous[mask], scored.scores[mask])
    domains = {"": slice(None), "_source": ~section.in_target, "_target": section.in_target}
    for suffix, mask in domains.items():
        metrics = precision_recall_f1(section.anomalous[mask], section.decisions[mask])
        row |= {f"{name}{suffix}": value for name, value in metrics.items()}
    return row | {"clips": len(scored.scores), "anomalies": int(scored.anomalous.sum())}
