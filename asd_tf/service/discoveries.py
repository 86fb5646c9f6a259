"""Decisions on many rows together: the share of false ones among the alarms is limited."""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy import stats

from asd_tf.data.health.sensor import OK

Row = Sequence[Any]


class Discoveries:
    """Decides on rows by the procedure of Benjamini and Hochberg, over all that were added.

    Conformal p-values that share their normal scores depend on each other positively, for which
    the procedure holds (Bates et al., "Testing for outliers with conformal p-values", 2023). Of
    each row the p-value is kept in memory, eight bytes, so that all rows are passed twice: to
    `add`, and then to `decided`. Rows without a p-value, or with a faulty sensor, are not judged.
    Where a table has rows of windows and of recordings, each kind is judged by itself.

    Args:
        columns: The columns of a row.
        rate: Largest share of false alarms among the alarms that is expected, 0 to 1.
    """

    def __init__(self, columns: Iterable[str], rate: float):
        names = list(columns)
        self._at = {name: names.index(name) for name in ("p_value", "threshold", "decision")}
        self._sensor = names.index("sensor")
        self._kind = names.index("per") if "per" in names else None
        self._rate = rate
        self._score = names.index("score")
        self._not_judged = 0
        self._found: dict[str, array] = {}
        self._largest: dict[str, float] = {}

    def add(self, rows: Iterable[Row]) -> None:
        """Takes in the p-values of rows."""
        for row in rows:
            if self._is_judged(row):
                of_kind = self._found.setdefault(self._kind_of(row), array("d"))
                of_kind.append(row[self._at["p_value"]])
            elif row[self._score] is not None and row[self._at["p_value"]] is None:
                self._not_judged += 1
        self._largest.clear()

    def decided(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yields rows with their decisions; without a threshold, as it would depend on the others.

        Args:
            rows: Rows that were added.
        """
        for row in rows:
            values = list(row)
            values[self._at["threshold"]] = values[self._at["decision"]] = None
            if self._is_judged(row):
                limit = self._largest_alarm(self._kind_of(row))
                values[self._at["decision"]] = int(row[self._at["p_value"]] <= limit)
            yield tuple(values)

    def lines(self) -> Iterator[str]:
        """Yields a line on rows that are not judged, and one on what would be needed for alarms."""
        if self._not_judged:
            yield (
                f"{self._not_judged:,} rows have no p-value and no decision: the detector has no "
                "normal scores of their machine"
            )
        if self._found and all(self._largest_alarm(kind) == 0 for kind in self._found):
            yield self._needed()

    def _needed(self) -> str:
        p_values = max(self._found.values(), key=len)
        smallest, count = min(p_values), len(p_values)
        needed = math.ceil(smallest * count / self._rate - 1e-9)
        return (
            f"no alarm among {count:,} rows at --fdr={self._rate:g}: their smallest p-value is "
            f"{smallest:.2g}, which {needed:,} rows would need to have"
        )

    def _is_judged(self, row: Row) -> bool:
        return row[self._at["p_value"]] is not None and row[self._sensor] in (None, OK)

    def _kind_of(self, row: Row) -> str:
        return "" if self._kind is None else row[self._kind]

    def _largest_alarm(self, kind: str) -> float:
        """Returns the largest p-value that is an alarm; 0 if there is none."""
        if kind not in self._largest:
            p_values = np.array(self._found[kind])
            adjusted = stats.false_discovery_control(p_values, method="bh")
            self._largest[kind] = float(p_values[adjusted <= self._rate].max(initial=0.0))
        return self._largest[kind]
