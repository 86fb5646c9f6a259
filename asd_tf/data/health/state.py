"""Whether a machine runs or stands still: two kinds of windows that are clearly apart."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.health.measures import IN_BANDS, LEVEL, is_measured
from asd_tf.data.health.sensor import SILENCE_DB

AUTO = "auto"
OFF = "off"

LEFT_OUT = "left_out"
"""The attribute of windows that no method uses, since the machine is off in them: `off`."""

# Two kinds are clearly apart if no more than the outermost windows of each are in a gap of this
# width, and what the machine adds has a spectrum of its own: a gain adds the same to all bands.
_GAP_DB = 6.0
_OUTERMOST = 0.05
_LEAST_SHAPE_DB = 2.0

_LEAST_WINDOWS = 3
_LEAST_SHARE = 0.02

# Below the quietest window of a machine that is off by this much, the sensor is silent.
_BELOW_DB = 10.0


@dataclasses.dataclass(frozen=True)
class OffState:
    """How to tell the windows of a machine that is off.

    Attributes:
        level_db: Smallest and largest level of such a window, in dB of full scale.
        off_bands_db: Median levels [bands] of windows of the machine off, in dB of full scale.
        on_bands_db: Those of the machine running.
    """

    level_db: Sequence[float]
    off_bands_db: Sequence[float]
    on_bands_db: Sequence[float]

    @classmethod
    def between(cls, off: np.ndarray, on: np.ndarray) -> "OffState | None":
        """Returns the state that tells two kinds of windows apart.

        Args:
            off: [windows, measures] of the quieter kind.
            on: [windows, measures] of the other.

        Returns:
            The state; None if the two are not clearly apart.
        """
        if min(len(off), len(on)) < _LEAST_WINDOWS:
            return None
        below = float(np.quantile(off[:, LEVEL], 1 - _OUTERMOST))
        above = float(np.quantile(on[:, LEVEL], _OUTERMOST))
        bands = [np.median(of[:, IN_BANDS], axis=0) for of in (off, on)]
        if above - below < _GAP_DB or np.std(bands[1] - bands[0]) < _LEAST_SHAPE_DB:
            return None
        lowest = float(off[:, LEVEL].min()) - _BELOW_DB
        level = [round(lowest, 2), round((below + above) / 2, 2)]
        return cls(level, *([round(float(value), 2) for value in of] for of in bands))

    @classmethod
    def find(cls, measures: np.ndarray) -> "OffState | None":
        """Looks for two kinds of windows; None if they are not clearly apart.

        Args:
            measures: [windows, measures] of the training windows of a machine and section; rows of
                NaN and silent windows are left out.
        """
        known = measures[is_measured(measures)]
        known = known[known[:, LEVEL] > SILENCE_DB]
        known = known[np.argsort(known[:, LEVEL], kind="stable")].astype(np.float64)
        least = max(_LEAST_WINDOWS, int(np.ceil(_LEAST_SHARE * len(known))))
        if len(known) < 2 * least:
            return None
        split = _best_split(known[:, LEVEL], least)
        return cls.between(known[:split], known[split:])

    def is_off(self, measures: np.ndarray) -> np.ndarray:
        """Returns [windows] bool: whether the machine is off; windows of NaN are not.

        Args:
            measures: [windows, measures].
        """
        level, bands = measures[:, LEVEL], measures[:, IN_BANDS]
        to_off = np.abs(bands - np.asarray(self.off_bands_db)).mean(axis=1)
        to_on = np.abs(bands - np.asarray(self.on_bands_db)).mean(axis=1)
        low, high = self.level_db
        return (level >= low) & (level < high) & (to_off < to_on)

    def to_json(self) -> dict[str, Any]:
        """Returns the state as plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "OffState":
        """Returns the state that `to_json` returned as `values`."""
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


def says_off(clips: pd.DataFrame, column: str) -> np.ndarray:
    """Returns [clips] bool: whether an attribute of each clip says `off`, in any case."""
    if "attributes" not in clips:
        return np.zeros(len(clips), bool)
    values = [str((of_clip or {}).get(column, "")) for of_clip in clips["attributes"]]
    return np.array([value.strip().lower() == OFF for value in values], bool)


def _best_split(sorted_levels: np.ndarray, least: int) -> int:
    """Returns the size of the lower of two kinds with the largest variance between them (Otsu)."""
    count = len(sorted_levels)
    sizes = np.arange(least, count - least + 1)
    sums = np.cumsum(sorted_levels)
    lower = sums[sizes - 1] / sizes
    upper = (sums[-1] - sums[sizes - 1]) / (count - sizes)
    return int(sizes[np.argmax(sizes * (count - sizes) * (upper - lower) ** 2)])
