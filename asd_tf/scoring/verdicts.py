"""What is known of windows beside their scores: whether the sensor is sound, the machine on."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Verdicts:
    """The state of the sensor and of the machine in each clip.

    Attributes:
        sensor: [clips] object: `ok`, what is wrong with the sensor (reasons joined by a plus sign),
            or None where it is not known.
        off: [clips] bool: whether the machine is off, so that the clip has no score.
        measures: [clips, measures] float32, the numbers behind; None if they were not kept.
    """

    sensor: np.ndarray
    off: np.ndarray
    measures: np.ndarray | None = None

    @property
    def is_faulty(self) -> np.ndarray:
        """[clips] bool: whether the sensor is known not to be sound."""
        return is_faulty(self.sensor)

    def spread(self, mask: np.ndarray) -> "Verdicts":
        """Returns the verdicts for a longer table, see `Scores.spread`; nothing of other clips."""
        sensor, off = np.full(len(mask), None, object), np.zeros(len(mask), bool)
        sensor[mask], off[mask] = self.sensor, self.off
        measures = self.measures
        if measures is not None:
            measures = np.full((len(mask), measures.shape[1]), np.nan, measures.dtype)
            measures[mask] = self.measures
        return Verdicts(sensor, off, measures)

    def of(self, indices: np.ndarray) -> "Verdicts":
        """Returns the verdicts of some of the clips."""
        measures = None if self.measures is None else self.measures[indices]
        return Verdicts(self.sensor[indices], self.off[indices], measures)

    @classmethod
    def of_parts(cls, parts: "list[Verdicts | None]") -> "Verdicts | None":
        """Returns the verdicts of a fused detector.

        All parts hear the same sensor: the first that knows a clip decides. A machine is off if one
        of the parts says so, as that part has no score.
        """
        known = [part for part in parts if part is not None]
        if not known:
            return None
        sensor = known[0].sensor
        for part in known[1:]:
            sensor = np.where(sensor == None, part.sensor, sensor)  # noqa: E711 (elementwise)
        return cls(sensor, np.any([part.off for part in known], axis=0), known[0].measures)


def is_faulty(sensor: np.ndarray) -> np.ndarray:
    """Returns [clips] bool: whether a sensor is known not to be sound; see `Verdicts.sensor`."""
    return np.array([isinstance(value, str) and value != "ok" for value in sensor], bool)


def joined(sensor: np.ndarray) -> str:
    """Returns all reasons of faulty windows, in the order in which they occur first."""
    reasons = [reason for value in sensor[is_faulty(sensor)] for reason in value.split("+")]
    return "+".join(dict.fromkeys(reasons))
