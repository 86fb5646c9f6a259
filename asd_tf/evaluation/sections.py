"""AUC, pAUC and decisions of every machine and section, in the official and the papers' terms."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from asd_tf.evaluation.decisions import precision_recall_f1
from asd_tf.evaluation.metrics import auc, partial_auc

KEY_COLUMNS = ("subset", "machine", "section")
"""The columns that say which section a row is about; rows are sorted by them."""


@dataclasses.dataclass(frozen=True)
class Term:
    """A metric of some clips of a section.

    Attributes:
        metric: Labels and scores to a value: `auc` or `partial_auc`.
        members: From [clips] whether each is anomalous and whether each is of the target domain to
            [clips] whether the metric is of it.
    """

    metric: Callable[[np.ndarray, np.ndarray], float]
    members: Callable[[np.ndarray, np.ndarray], np.ndarray]


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
"""The metrics of the scores of a section, by column, in the order of the table."""

TERM_COLUMNS = tuple(TERMS)

DECISION_COLUMNS = tuple(
    f"{name}{part}" for name in ("precision", "recall", "f1") for part in ("", "_source", "_target")
)
"""The metrics of the stored decisions of a section, over all its clips and within a domain."""

SECTION_COLUMNS = (*KEY_COLUMNS, *TERM_COLUMNS, *DECISION_COLUMNS, "clips", "anomalies")
"""The columns of `section_metrics` and of metrics.csv."""


def tested_clips(scored: pd.DataFrame) -> pd.DataFrame:
    """Returns the test clips of a scored table in the plain types that evaluation works on.

    Clips without a domain count as source, as in layouts that have no domains.

    Args:
        scored: The scored table; needs machine, section, domain, split, label and score.

    Returns:
        A copy of its rows of the test split with float64 `score` (NaN where there is none), float64
        `label` (0, 1 or NaN where unknown) and an added boolean `is_target`.
    """
    test = scored[(scored["split"] == "test").to_numpy(bool, na_value=False)]
    scores = test["score"].to_numpy(np.float64, na_value=np.nan)
    return test.assign(
        score=np.where(np.isfinite(scores), scores, np.nan),
        label=test["label"].astype("Int64").to_numpy(np.float64, na_value=np.nan),
        is_target=(test["domain"].astype("string") == "target").to_numpy(bool, na_value=False),
    )


class Section(NamedTuple):
    """The labelled test clips of a machine and section.

    Attributes:
        key: Subset, machine and section.
        scores: [clips], NaN where there is none.
        anomalous: [clips].
        in_target: [clips].
        decisions: [clips], 0 or 1, NaN where there is none.
    """

    key: tuple[str, str, str]
    scores: np.ndarray
    anomalous: np.ndarray
    in_target: np.ndarray
    decisions: np.ndarray

    def scored(self) -> "Section":
        """Returns the section with only those clips that have a score."""
        has_score = ~np.isnan(self.scores)
        return Section(self.key, *(values[has_score] for values in self[1:]))


def labelled_sections(scored: pd.DataFrame) -> Iterator[Section]:
    """Yields each machine and section that has labelled test clips, in the order of the table."""
    clips = tested_clips(scored)
    labelled = clips[clips["label"].notna()]
    for key, group in labelled.groupby(list(KEY_COLUMNS), sort=True):
        yield Section(
            key,
            group["score"].to_numpy(),
            group["label"].to_numpy() == 1,
            group["is_target"].to_numpy(),
            group["decision"].astype("Int64").to_numpy(np.float64, na_value=np.nan),
        )


def section_metrics(scored: pd.DataFrame) -> pd.DataFrame:
    """Measures the labelled test clips of every machine and section.

    `auc_source` and `auc_target` follow the official evaluation since DCASE 2022: the normal clips
    of one domain against the anomalous clips of both. `pauc` and `auc` pool the domains. The
    columns that end in `_within` take normal and anomalous clips of one domain only, as DCASE 2021
    and the tables of Wilkinghoff (ICASSP 2023) do; the two conventions cannot be compared.
    `precision`, `recall` and `f1` are of the stored decisions, over all clips and, with `_source`
    and `_target`, within a domain, as the official evaluators print them.

    Args:
        scored: The scored table. Clips without a label are left out, those without a score also
            from the metrics of scores, and those without a decision from those of decisions.

    Returns:
        A row for each machine and section that has labelled test clips, sorted, with the columns
        `SECTION_COLUMNS`: metrics in 0..1, NaN where one does not exist (a class or the domain is
        missing), and how many clips with a score they stand on.
    """
    rows = [_measure(section) for section in labelled_sections(scored)]
    return pd.DataFrame(rows, columns=list(SECTION_COLUMNS))


def _measure(section: Section) -> dict[str, str | float | int]:
    row = dict(zip(KEY_COLUMNS, section.key, strict=True))
    having = section.scored()
    for column, term in TERMS.items():
        members = term.members(having.anomalous, having.in_target)
        row[column] = term.metric(having.anomalous[members], having.scores[members])
    parts = {"": slice(None), "_source": ~section.in_target, "_target": section.in_target}
    for suffix, part in parts.items():
        found = precision_recall_f1(section.anomalous[part], section.decisions[part])
        row |= {f"{name}{suffix}": value for name, value in found.items()}
    return row | {"clips": len(having.scores), "anomalies": int(having.anomalous.sum())}
