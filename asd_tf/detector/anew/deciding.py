"""A detector that decides in another way: only thresholds and pooling change, nothing is fitted."""

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from asd_tf.detector.base import Detector
from asd_tf.detector.fused import FusedDetector
from asd_tf.detector.sealing.manifest import MANIFEST, WRITTEN_ANEW, write_manifest
from asd_tf.detector.sealing.signature import SIGNATURE
from asd_tf.files import atomic_path
from asd_tf.scoring.p_values import fit_p_values
from asd_tf.scoring.thresholds import Threshold, thresholds_at


@dataclasses.dataclass(frozen=True)
class Deciding:
    """How a detector decides.

    Attributes:
        false_alarms: Share of unseen normal clips that may raise an alarm, 1e-6 to 0.99.
        rule: See `PValues`.
        pool: How the windows of a recording are pooled; None where the first is scored.
    """

    false_alarms: float
    rule: str
    pool: str | None


def deciding_of(detector: Detector) -> Deciding:
    """Returns how a detector decides."""
    manifest = detector.manifest
    return Deciding(
        next(iter(detector.thresholds.values())).false_alarms,
        manifest.get("calibration", {"rule": "conformal"})["rule"],
        manifest["recording"]["pool"] if "recording" in manifest else None,
    )


def thresholds_of(detector: Detector, deciding: Deciding) -> dict[tuple[str, str], Threshold]:
    """Returns the thresholds of a detector that decides in another way."""
    p_values = fit_p_values(detector.calibration, list(detector.thresholds), deciding.rule)
    return thresholds_at(p_values, deciding.false_alarms)


def write_deciding(
    detector: Detector,
    deciding: Deciding,
    target: Path,
    more: Callable[[Detector], Mapping[str, Any]] = lambda detector: {},
) -> None:
    """Writes a detector, and all its parts, that decides in another way; without a signature.

    Args:
        detector: The detector.
        deciding: How it is to decide; its pool is not used where the first window is scored.
        target: The folder to write, which may be that of the detector.
        more: From a detector, or part of it, to further entries of its manifest.
    """
    with atomic_path(target) as temporary:
        shutil.copytree(detector.folder, temporary)
        _rewrite(detector, deciding, temporary, more)


def _rewrite(
    detector: Detector,
    deciding: Deciding,
    folder: Path,
    more: Callable[[Detector], Mapping[str, Any]],
) -> None:
    """Writes the manifest of a copied detector anew, after those of its parts."""
    if isinstance(detector, FusedDetector):
        for name, part in detector.parts.items():
            _rewrite(part, deciding, folder / "parts" / name, more)
    for name in (MANIFEST, SIGNATURE):
        (folder / name).unlink(missing_ok=True)
    manifest = {key: value for key, value in detector.manifest.items() if key not in WRITTEN_ANEW}
    thresholds = thresholds_of(detector, deciding)
    manifest["groups"] = [
        {**group, "threshold": thresholds[group["machine"], group["section"]].to_json()}
        for group in manifest["groups"]
    ]
    manifest["calibration"] = {**manifest.get("calibration", {}), "rule": deciding.rule}
    if "recording" in manifest and deciding.pool is not None:
        manifest["recording"] = {**manifest["recording"], "pool": deciding.pool}
    write_manifest(folder, {**manifest, **more(detector)})
