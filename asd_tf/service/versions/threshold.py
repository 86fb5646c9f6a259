"""New thresholds from the calibration scores that a detector has."""

import logging
import shutil
from pathlib import Path
from typing import Any

from asd_tf.detector import Detector, FusedDetector
from asd_tf.detector.sealing.manifest import MANIFEST, write_manifest
from asd_tf.detector.sealing.signature import SIGNATURE
from asd_tf.errors import UsageError
from asd_tf.files import atomic_path
from asd_tf.scoring.thresholds import unsupported_line
from asd_tf.service.versions.change import history_with

VERB = "threshold"
_SEALED = ("format_version", "asd_tf", "sha256", "digest")

_logger = logging.getLogger(__name__)


def false_alarms_of(detector: Detector) -> float:
    """Returns the share of false alarms that the thresholds of a detector promise."""
    return next(iter(detector.thresholds.values())).false_alarms


def trained_false_alarms(detector: Detector) -> float:
    """Returns the share that the thresholds of its training promised.

    Raises:
        UsageError: If it has these.
    """
    for entry in detector.manifest.get("history", []):
        if entry["verb"] == VERB:
            return entry["before"]
    raise UsageError(f"{detector.folder}: --reset: it has the thresholds of its training")


def write_with_false_alarms(detector: Detector, false_alarms: float, target: Path) -> None:
    """Writes a detector, and all its parts, with thresholds for another share of false alarms.

    Args:
        detector: The detector.
        false_alarms: Share of unseen normal clips that may raise an alarm, 1e-6 to 0.99.
        target: The folder to write.

    Raises:
        UsageError: If the share is out of range.
    """
    moved = detector.with_false_alarms(false_alarms)
    if line := unsupported_line(moved.thresholds):
        _logger.warning(line)
    with atomic_path(target) as temporary:
        shutil.copytree(detector.folder, temporary)
        _rewrite(moved, temporary, false_alarms)


def _rewrite(detector: Detector, folder: Path, false_alarms: float) -> None:
    """Writes the manifest of a copied detector anew, after those of its parts."""
    if isinstance(detector, FusedDetector):
        for name, part in detector.parts.items():
            _rewrite(part.with_false_alarms(false_alarms), folder / "parts" / name, false_alarms)
    for name in (MANIFEST, SIGNATURE):
        (folder / name).unlink(missing_ok=True)
    write_manifest(folder, _manifest(detector, false_alarms))


def _manifest(detector: Detector, false_alarms: float) -> dict[str, Any]:
    manifest = {key: value for key, value in detector.manifest.items() if key not in _SEALED}
    before = manifest["groups"][0]["threshold"]["false_alarms"]
    groups = [
        {**group, "threshold": detector.thresholds[group["machine"], group["section"]].to_json()}
        for group in manifest["groups"]
    ]
    history = history_with(detector, VERB, {"before": before, "false_alarms": false_alarms})
    return {**manifest, "groups": groups, "history": history}
