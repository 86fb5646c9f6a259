"""A detector of several networks, each trained without some of the clips that calibrate it."""

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.detector.base import Detector
from asd_tf.detector.fused import FusedDetector, shared_description
from asd_tf.detector.writing import write_with_parts
from asd_tf.scoring.calibration import CROSS_FIT_NETWORK
from asd_tf.scoring.cross_fit import Scales, StandardizedMean
from asd_tf.scoring.domains import POOLED, PREDICTED
from asd_tf.scoring.p_values import fit_p_values
from asd_tf.scoring.thresholds import Threshold, thresholds_at


class CrossFitDetector(FusedDetector, kind="cross_fit"):
    """A detector whose score is the mean of the standardized scores of its parts.

    Every part is standardized, in each machine and section, by its scores of normal clips that it
    has not seen. These standardized scores, each of a single part, calibrate the detector.
    """

    @functools.cached_property
    def _fusion(self) -> Callable[[np.ndarray, Iterable[Group]], np.ndarray]:
        return StandardizedMean(
            {(g["machine"], g["section"]): g["scales"] for g in self.manifest["groups"]}
        )

    def load_all(self) -> int:
        """See `Detector.load_all`."""
        return sum(part.load_all() for part in self.parts.values())


def write_cross_fit_detector(
    folder: Path,
    parts: Mapping[str, Path],
    scales: Mapping[Group, Scales],
    calibration: pd.DataFrame,
    rule: str = "conformal",
    false_alarms: float = 0.1,
    entries: Mapping[Group, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[Group, Threshold]:
    """Writes a cross-fitted detector; an error leaves no folder.

    Args:
        folder: Folder to write.
        parts: Name to the folder of each part; all know the same groups.
        scales: Group to mean and standard deviation of each part, see `part_scales`.
        calibration: Columns machine, section, clip_id, domain, recording_id and score: normal
            clips, each with the standardized score of the part that has not seen it.
        rule: See `PValues`.
        false_alarms: Share of unseen normal clips that may raise an alarm, 1e-6 to 0.99.
        entries: Group to other entries of it in the manifest: `domains`, see `DomainScale`.

    Returns:
        The thresholds.
    """
    detectors = {name: Detector.load(part) for name, part in parts.items()}
    groups = list(next(iter(detectors.values())).thresholds)
    thresholds = thresholds_at(fit_p_values(calibration, groups, rule), false_alarms)
    description = {
        "kind": "cross_fit",
        **shared_description(detectors),
        "calibration": {
            "rule": rule,
            "method": CROSS_FIT_NETWORK,
            "domains": PREDICTED if entries else POOLED,
        },
    }
    of_groups = {
        group: {"scales": [list(scale) for scale in scales[group]], **entries.get(group, {})}
        for group in groups
    }
    write_with_parts(folder, parts, calibration, description, thresholds, of_groups)
    return thresholds
