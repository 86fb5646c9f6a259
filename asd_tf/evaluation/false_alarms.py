"""Promised beside seen false alarms, and the share of normal clips below each p-value."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from asd_tf.evaluation.section_metrics import select_test_clips

ALL = "all"
"""Stands for all sections of a machine, or both domains."""

COLUMNS = (
    "subset", "machine", "section", "domain", "normals", "alarms", "seen", "low", "high",
    "promised", "more_than_promised",
)  # fmt: skip

LEVELS = np.arange(1, 51) / 100
"""The promises of `reliability_curves`."""

_CONFIDENCE = 0.95


def false_alarm_table(scored: pd.DataFrame, promised: float | None) -> pd.DataFrame:
    """Compares the false alarms of the stored decisions with the promise.

    Args:
        scored: The scored table; normal test clips with a decision are counted.
        promised: The share of normal clips that the detector promises an alarm of at most, 0 to 1;
            None if it is not known.

    Returns:
        `COLUMNS`, with a row for each machine and each of its sections, over all normal clips and,
        where there are two domains, within each. `low` and `high` are the 95 % interval of Clopper
        and Pearson of the seen share; `more_than_promised` is whether all of it is above the
        promise, None without one.
    """
    clips = select_test_clips(scored)
    decisions = clips["decision"].astype("Int64").to_numpy(np.float64, na_value=np.nan)
    clips = clips.assign(alarm=decisions)[(clips["label"] == 0) & ~np.isnan(decisions)]
    rows = []
    for (subset, machine), of_machine in clips.groupby(["subset", "machine"], sort=True):
        parts = [(ALL, of_machine), *of_machine.groupby("section", sort=True)]
        for section, of_section in parts:
            for domain, normals in _by_domain(of_section):
                key = (subset, machine, section, domain)
                rows.append((*key, *_comparison(normals["alarm"], promised)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _by_domain(clips: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield ALL, clips
    if clips["is_target"].nunique() == 2:
        yield "source", clips[~clips["is_target"]]
        yield "target", clips[clips["is_target"]]


def _comparison(alarm: pd.Series, promised: float | None) -> tuple:
    found = stats.binomtest(int(alarm.sum()), len(alarm))
    interval = found.proportion_ci(_CONFIDENCE, method="exact")
    exceeds = None if promised is None else bool(interval.low > promised)
    low, high = float(interval.low), float(interval.high)
    return len(alarm), found.k, found.statistic, low, high, promised, exceeds


@dataclasses.dataclass(frozen=True)
class Reliability:
    """The seen false alarms for every promise of `LEVELS`.

    Attributes:
        name: `normal clips`, or `source normals` and `target normals`.
        seen: [levels], share of the normal clips with a p-value of at most the level.
        count: Number of normal clips.
    """

    name: str
    seen: np.ndarray
    count: int


def reliability_curves(clips: pd.DataFrame) -> list[Reliability]:
    """Computes the seen false alarms of a section for every promise.

    Args:
        clips: Rows of `select_test_clips` with the column `p_value`.

    Returns:
        A curve for each domain, or one if there is only one; none without normal p-values.
    """
    normal = clips[(clips["label"] == 0) & clips["p_value"].notna()]
    if normal.empty:
        return []
    parts = list(_by_domain(normal))
    named = parts[1:] or [("", normal)]
    return [
        Reliability(
            f"{domain} normals" if domain else "normal clips",
            np.mean(rows["p_value"].to_numpy()[:, np.newaxis] <= LEVELS, axis=0),
            len(rows),
        )
        for domain, rows in named
    ]


def kept_range(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the shares that 95 of 100 sections show which keep every promise exactly.

    It is the chance of the test clips alone: a threshold of few normal clips has one of its own.

    Args:
        count: Number of normal clips.

    Returns:
        The lower and the upper end for each of `LEVELS`.
    """
    low, high = stats.binom.interval(_CONFIDENCE, count, LEVELS)
    return low / count, high / count
