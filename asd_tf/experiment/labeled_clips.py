"""The labeled clips that a saved detector is evaluated on."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from asd_tf.data.groups import groups_of
from asd_tf.data.layouts.channels import EACH
from asd_tf.data.layouts.ground_truth import read_ground_truth
from asd_tf.data.layouts.readers import read_clips
from asd_tf.detector import Detector
from asd_tf.detector.sections import with_only_section
from asd_tf.errors import InputError, UsageError
from asd_tf.evaluation.ground_truth import join_ground_truth

_logger = logging.getLogger(__name__)

_TEST = "test"


def read_test_clips(
    detector: Detector, data: Sequence[str | Path], dataset: str | None = None
) -> tuple[pd.DataFrame, str]:
    """Reads the test clips of data folders and manifests; no recording is opened.

    Args:
        detector: The detector; its channel is used where a manifest names none.
        data: Folders, and manifests, of which rows without a split are test clips. With several,
            the clip_ids begin with the path as given.
        dataset: Name of their layout; None to detect it.

    Returns:
        The clip table, and the name of the layout.

    Raises:
        InputError: If nothing is there, or no clip is a test clip.
        UsageError: If the data have different layouts.
    """
    channel = EACH if detector.channels is not None else _name_of(detector.channel)
    tables, names = [], []
    for path in data:
        table, name = read_clips(path, dataset, channel, split=_TEST)
        if len(data) > 1:
            table["clip_id"] = f"{path}/" + table["clip_id"]
            table["recording_id"] = table["clip_id"]
        tables.append(table)
        names.append(name)
    if len(set(names)) > 1:
        found = ", ".join(f"{path} ({name})" for path, name in zip(data, names, strict=True))
        raise UsageError(f"the data have different layouts: {found}; evaluate each alone")
    clips = pd.concat(tables, ignore_index=True)
    if clips["clip_id"].duplicated().any():
        raise UsageError(f"{clips['clip_id'][clips['clip_id'].duplicated()].iloc[0]}: named twice")
    test = clips[clips["split"] == _TEST].reset_index(drop=True)
    if test.empty:
        raise InputError(f"{data[0]}: no clip is in a folder test, or has the split test")
    if len(test) < len(clips):
        _logger.info("%d clips of other splits than test are left out", len(clips) - len(test))
    return with_only_section(test, detector.thresholds), names[0]


def read_truth(
    path: str | Path, clips: pd.DataFrame, dataset: str, own_labels: bool
) -> pd.DataFrame:
    """Reads the labels of evaluation clips; see `read_ground_truth`."""
    return read_ground_truth(path, clips, dataset, check_digests=not own_labels)


def check_labels(detector: Detector, clips: pd.DataFrame, truth: pd.DataFrame | None) -> None:
    """Says which clips will not be judged, and which metrics will be missing.

    Args:
        detector: The detector.
        clips: The clip table of the recordings.
        truth: Labels that came apart from it; None without any.

    Raises:
        InputError: If no clip has both a label and a machine and section that the detector knows.
    """
    labels = (clips if truth is None else join_ground_truth(clips, truth))["label"]
    known = detector.is_known(clips)
    _log_unknown(detector, clips[~known])
    if not known.any():
        raise InputError("the detector knows the machine and section of no clip")
    missing = int(labels[known].isna().sum())
    if missing == known.sum():
        raise InputError(
            "no clip has a label: name folders normal and abnormal, a manifest with the column "
            "label, or --ground_truth; asd-score scores recordings without labels"
        )
    if missing:
        _logger.info("%d of %d clips have no label, and are not judged", missing, known.sum())
    found = set(labels[known].dropna())
    if found == {0}:
        _logger.warning(
            "all labeled clips are normal: the rate of false alarms is all that they tell; AUC, "
            "pAUC, recall and precision need anomalous ones"
        )
    elif found == {1}:
        _logger.warning(
            "all labeled clips are anomalous: recall is all that they tell; AUC, pAUC and the rate "
            "of false alarms need normal ones"
        )


def _log_unknown(detector: Detector, clips: pd.DataFrame) -> None:
    counts = pd.Series(groups_of(clips), dtype=object).value_counts()
    if counts.empty:
        return
    names = ", ".join(
        f"machine '{machine}', section '{section}' ({count})"
        for (machine, section), count in counts.items()
    )
    known = ", ".join(f"{machine} {section}" for machine, section in sorted(detector.thresholds))
    _logger.warning(
        "not known, and without a score: %d clips of %s; the detector knows %s",
        len(clips), names, known,
    )  # fmt: skip


def _name_of(channel: int | None) -> str:
    return "mean" if channel is None else str(channel)
