"""Limits of a healthy sensor, set from the training windows, and what is beyond them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from asd_tf.data.health.measures import (
    BANDS,
    CLIPPED,
    DROPOUTS,
    HUM,
    IN_BANDS,
    LEVEL,
    is_measured,
)

OK = "ok"
SILENT, TOO_SHORT = "silent", "too_short"
REASONS = (SILENT, TOO_SHORT, "clipped", "dropouts", "gain", "bandwidth", "hum")
"""What can be wrong; several are joined by a plus sign."""

SILENCE_DB = -90.0
"""Level in dB of full scale of one bit of 16: below it is silence, in any recording."""

# A limit is this far beyond the training windows, and never within the floor: what a machine does
# when it fails must not look like a fault of the sensor. Chosen by benchmarks/sensor.py.
_FLOORS = {"clipped": 0.002, "dropouts": 0.02, "gain": 12.0, "bandwidth": 20.0, "hum": 9.0}
_MARGINS = {"clipped": 0.002, "dropouts": 0.02, "gain": 6.0, "bandwidth": 10.0, "hum": 4.0}
_MARGIN_OF_SILENCE_DB = 25.0
_LOUDEST_SILENCE_DB = -70.0

# Of the training windows of a domain; the few that are beyond were faulty themselves.
_QUANTILE = 0.95

# A gain moves all bands alike: three quarters of them must be moved as far.
_MOVED = 0.25
# A codec or a cover takes away the highest of these bands: from 2.8, 4 or 5.7 of 8 kHz on.
_HIGHEST = (1, 2, 3)


@dataclasses.dataclass(frozen=True)
class SensorLimits:
    """Beyond which numbers a window of a machine and section is called a fault of the sensor.

    Attributes:
        bands_db: Median levels [bands] of the training windows, in dB of full scale.
        silent_db: Level in dB of full scale below which a window is silent.
        gain_db: Smallest and largest change that all bands have in common, in dB.
        bandwidth_db: Largest loss of the highest bands against the others, in dB.
        clipped: Largest share of clipped samples.
        dropouts: Largest share of frames without a signal.
        hum_db: Largest excess of the harmonics of the mains, in dB.
    """

    bands_db: Sequence[float]
    silent_db: float
    gain_db: Sequence[float]
    bandwidth_db: float
    clipped: float
    dropouts: float
    hum_db: float

    @classmethod
    def fit(cls, measures: np.ndarray, domains: np.ndarray) -> "SensorLimits | None":
        """Sets the limits.

        Args:
            measures: [windows, measures] of the training windows; rows of NaN are left out.
            domains: [windows] the domain of each, since the few of the target may be different.

        Returns:
            The limits; None without a window.
        """
        known = is_measured(measures)
        measures, domains = measures[known].astype(np.float64), domains[known]
        sound = measures[:, LEVEL] > SILENCE_DB
        measures, domains = measures[sound], domains[sound]
        if not len(measures):
            return None
        bands = np.median(measures[:, IN_BANDS], axis=0)
        found = _statistics(measures, bands)
        parts = [domains == domain for domain in set(domains)]

        def beyond(name: str, values: np.ndarray) -> float:
            largest = max(float(np.quantile(values[part], _QUANTILE)) for part in parts)
            return round(max(_FLOORS[name], largest + _MARGINS[name]), 4)

        quietest = -max(float(np.quantile(-measures[part, LEVEL], _QUANTILE)) for part in parts)
        silence = max(SILENCE_DB, min(quietest - _MARGIN_OF_SILENCE_DB, _LOUDEST_SILENCE_DB))
        return cls(
            bands_db=[round(float(level), 2) for level in bands],
            silent_db=round(silence, 2),
            gain_db=[-beyond("gain", -found["gain"]), beyond("gain", found["gain"])],
            bandwidth_db=beyond("bandwidth", found["bandwidth"]),
            clipped=min(beyond("clipped", found["clipped"]), 1.0),
            dropouts=min(beyond("dropouts", found["dropouts"]), 1.0),
            hum_db=beyond("hum", found["hum"]),
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the limits as plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "SensorLimits":
        """Returns the limits that `to_json` returned as `values`."""
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})

    def verdicts(self, measures: np.ndarray) -> np.ndarray:
        """Returns for each window [windows] `ok` or what is wrong; None where it is not measured.

        Args:
            measures: [windows, measures]; NaN for windows that could not be read.
        """
        found = _statistics(measures, np.asarray(self.bands_db, np.float64))
        wrong = {
            "clipped": found["clipped"] > self.clipped,
            "dropouts": found["dropouts"] > self.dropouts,
            "gain": (found["gain"] < self.gain_db[0]) | (found["gain"] > self.gain_db[1]),
            "bandwidth": found["bandwidth"] > self.bandwidth_db,
            "hum": found["hum"] > self.hum_db,
        }
        names = np.array(
            [
                "+".join(name for name, is_wrong in zip(wrong, row, strict=True) if is_wrong) or OK
                for row in zip(*wrong.values(), strict=True)
            ],
            object,
        )
        names[measures[:, LEVEL] < self.silent_db] = SILENT
        names[~is_measured(measures)] = None
        return names


def verdicts_without_limits(measures: np.ndarray) -> np.ndarray:
    """Returns what is known of windows [windows] of any machine: that they are silent, or None."""
    names = np.full(len(measures), None, object)
    names[measures[:, LEVEL] < SILENCE_DB] = SILENT
    return names


def _statistics(measures: np.ndarray, reference: np.ndarray) -> dict[str, np.ndarray]:
    """Returns for each reason the number of every window that has a limit."""
    change = measures[:, IN_BANDS] - reference
    raised = np.quantile(change, _MOVED, axis=1)
    lowered = np.quantile(change, 1 - _MOVED, axis=1)
    return {
        "clipped": measures[:, CLIPPED],
        "dropouts": measures[:, DROPOUTS],
        "hum": measures[:, HUM],
        "gain": np.where(raised > 0, raised, np.minimum(lowered, 0)),
        "bandwidth": np.max([_loss(change, BANDS - count) for count in _HIGHEST], axis=0),
    }


def _loss(change: np.ndarray, first: int) -> np.ndarray:
    """Returns by how much the bands from `first` on have fallen, themselves and against the rest.

    Against the rest alone, a new low tone would count, and by themselves, a lower gain.
    """
    above = change[:, first:].max(axis=1)
    return np.minimum(-above, np.median(change[:, :first], axis=1) - above)
