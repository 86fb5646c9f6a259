"""What a detector knows of its training recordings, beside its backends."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.backends.saving.old_names import document_with_current_names
from asd_tf.data.groups import Group
from asd_tf.detector.base import Detector
from asd_tf.detector.parts import OWN, single_parts
from asd_tf.errors import InputError
from asd_tf.files import read_json
from asd_tf.scoring.drift.features import FeatureStatistics

_STATISTICS = "calibration/statistics.json"

Statistics = Mapping[str, FeatureStatistics]


def feature_statistics(detector: Detector) -> dict[Group, dict[str, FeatureStatistics]]:
    """Returns the statistics of the features of normal clips, by group and by extractor.

    Extractors of the parts of a fused detector have the names that `Scores.features` gives them.

    Raises:
        InputError: If a file with statistics is damaged.
    """
    found: dict[Group, dict[str, FeatureStatistics]] = {group: {} for group in detector.thresholds}
    for part_name, part in single_parts(detector).items():
        for group, statistics in _read(part.folder / _STATISTICS).items():
            for name, of_extractor in statistics.items():
                full = name if part_name == OWN else f"{part_name}: {name}"
                found.get(group, {})[full] = of_extractor
    return found


def statistics_windows(detector: Detector) -> dict[Group, int]:
    """Returns of how many normal windows the statistics of features are, by group.

    Of a detector of several parts it is the smallest number.

    Raises:
        InputError: If a file with statistics is damaged.
    """
    found: dict[Group, int] = {}
    for part in single_parts(detector).values():
        path = part.folder / _STATISTICS
        try:
            for entry in read_json(path):
                group = entry["machine"], entry["section"]
                counts = [int(values["n"]) for values in entry["extractors"].values()]
                found[group] = min([*counts, *([found[group]] if group in found else [])])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: holds no statistics of features ({error})") from None
    return found


def band_levels(detector: Detector) -> dict[Group, list[float]]:
    """Returns the median levels [bands] of the training windows in dB, by group.

    They are those of the first single part, whose waveforms are measured when it scores. Groups
    without limits of the sensor, as in detectors of 0.1, are missing.
    """
    first = next(iter(single_parts(detector).values()))
    return {
        (group["machine"], group["section"]): group["sensor"]["bands_db"]
        for group in first.manifest["groups"]
        if "sensor" in group
    }


def recording_scores(calibration: pd.DataFrame) -> dict[Group, np.ndarray]:
    """Returns the scores of normal recordings by group, each the mean over its windows.

    Args:
        calibration: `Detector.calibration`.
    """
    scores = calibration[np.isfinite(calibration["score"])]
    means = scores.groupby(["machine", "section", "recording_id"], sort=False)["score"].mean()
    groups = means.groupby(["machine", "section"], sort=False)
    return {(str(key[0]), str(key[1])): of.to_numpy() for key, of in groups}


def _read(path: Path) -> dict[Group, Statistics]:
    try:
        document = document_with_current_names(_STATISTICS, read_json(path))
        return {
            (entry["machine"], entry["section"]): {
                name: _checked(values["mean"], values["std"])
                for name, values in entry["extractors"].items()
            }
            for entry in document
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: holds no statistics of features ({error})") from None


def _checked(mean: list[float], std: list[float]) -> FeatureStatistics:
    values = np.array([mean, std], np.float64)
    if values.ndim != 2 or not np.isfinite(values).all() or (values[1] < 0).any():
        raise ValueError("a mean or a deviation is out of range")
    return FeatureStatistics(*values)
