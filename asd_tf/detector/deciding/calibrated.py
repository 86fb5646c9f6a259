"""What a detector knows of normal scores: calibration scores, p-values and thresholds."""

import copy
import dataclasses
import functools
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group, groups_of, rows_of_groups
from asd_tf.data.health.measures import IN_FINE_BANDS
from asd_tf.errors import InputError, UsageError
from asd_tf.scoring.domains import DomainScale
from asd_tf.scoring.p_values import PValues, fit_p_values
from asd_tf.scoring.promises import FALSE_ALARMS
from asd_tf.scoring.scores import Scores
from asd_tf.scoring.thresholds import Threshold, thresholds_at

_TEXTS = ("machine", "section", "clip_id", "domain", "recording_id")


def read_calibration(path: Path) -> pd.DataFrame:
    """Reads the scores of normal clips by backends that were not fitted to them.

    Args:
        path: The CSV file. Those of earlier versions have no recordings: each clip is one.

    Returns:
        A table with the columns machine, section, clip_id, domain, score and recording_id.

    Raises:
        InputError: If the file is missing or holds something else.
    """
    try:
        frame = pd.read_csv(
            path,
            dtype={**dict.fromkeys(_TEXTS, str), "score": np.float64},
            keep_default_na=False,
            na_values={"score": [""], "domain": [""]},
            # Exactly what was written: equal scores must stay equal for p-values and thresholds.
            float_precision="round_trip",
        )
        if "recording_id" not in frame:
            frame["recording_id"] = frame["clip_id"]
        return frame
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: is no table of scores ({error})") from None


class Calibrated:
    """The part of a detector that judges scores.

    Attributes:
        folder: The folder of the detector.
        manifest: The content of its `detector.json`.
        thresholds: The threshold of a window of each group (machine, section).
        domain_scales: The scale of scores of each group whose domains are predicted.
    """

    # Cached properties that do not depend on the thresholds.
    _shared: tuple[str, ...] = ()

    def __init__(self, folder: Path, manifest: dict[str, Any]):
        self.folder = folder
        self.manifest = manifest
        self.thresholds: dict[Group, Threshold] = {
            (group["machine"], group["section"]): Threshold.from_json(group["threshold"])
            for group in manifest["groups"]
        }
        self.domain_scales: dict[Group, DomainScale] = {
            (group["machine"], group["section"]): DomainScale.from_json(group["domains"])
            for group in manifest["groups"]
            if "domains" in group
        }

    def on_domain_scale(self, clips: pd.DataFrame, scores: Scores) -> Scores:
        """Returns scores of clips on the scale of their predicted domains, where there is one.

        The scores as they were are `raw`.
        """
        measures = None if scores.verdicts is None else scores.verdicts.measures
        if not self.domain_scales or measures is None:
            return scores
        rows_of, levels = rows_of_groups(clips), measures[:, IN_FINE_BANDS]

        def scaled(values: np.ndarray) -> np.ndarray:
            found = values.astype(np.float64)
            for group, rows in rows_of.items():
                if group in self.domain_scales:
                    found[rows] = self.domain_scales[group](found[rows], levels[rows])
            return found

        def transductive() -> np.ndarray | None:
            values = scores.transductive()
            return None if values is None else scaled(values)

        return dataclasses.replace(
            scores,
            clip=scaled(scores.clip),
            raw=scores.clip,
            transductive=transductive,
        )

    @property
    def calibration(self) -> pd.DataFrame:
        """The scores of normal clips by backends that were not fitted to them.

        Columns machine, section, clip_id, domain, score, recording_id.
        """
        return read_calibration(self.folder / "calibration" / "scores.csv")

    @functools.cached_property
    def p_values(self) -> dict[Group, PValues]:
        """The p-values of a window of each group (machine, section)."""
        rule = self.manifest.get("calibration", {"rule": "conformal"})["rule"]
        return fit_p_values(self.calibration, list(self.thresholds), rule)

    def with_false_alarms(self, false_alarms: float) -> Self:
        """Returns this detector with thresholds for another share of false alarms.

        Nothing is fitted, and networks and backends are shared.

        Args:
            false_alarms: The share of unseen normal clips that may raise an alarm, 1e-6 to 0.99.
                Groups with too few normal scores for it have no threshold.

        Raises:
            UsageError: If it is out of range.
        """
        least, most = FALSE_ALARMS
        if not least <= false_alarms <= most:
            raise UsageError(f"false_alarms={false_alarms:g}: must be from {least} to {most}")
        for name in self._shared:
            getattr(self, name)  # loaded once, for all copies
        moved = copy.copy(self)
        vars(moved).pop("recordings", None)
        moved.thresholds = thresholds_at(self.p_values, false_alarms)
        return moved

    def sections(self, machine: str) -> list[str]:
        """Returns the known sections of a machine."""
        return [section for name, section in self.thresholds if name == machine]

    def is_known(self, clips: pd.DataFrame) -> np.ndarray:
        """Returns [clips] bool: whether machine and section of each clip are known."""
        return np.array([group in self.thresholds for group in groups_of(clips)], bool)
