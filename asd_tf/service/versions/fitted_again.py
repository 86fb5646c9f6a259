"""Which detectors can be fitted again to other normal recordings."""

from asd_tf.detector import Detector, FusedDetector
from asd_tf.detector.parts import single_parts
from asd_tf.errors import InputError
from asd_tf.scoring.calibration import BACKEND_ONLY
from asd_tf.service.versions.write import kept_windows


def check_keeps(detector: Detector) -> None:
    """Checks that a detector can be fitted again: its parts keep what they are fitted to.

    One that is calibrated on recordings that its networks have not heard cannot: the kept windows
    are of recordings that they have heard, and would calibrate it in place of these.

    Raises:
        InputError: If it cannot.
    """
    parts = single_parts(detector)
    if not parts:
        raise InputError(
            f"{detector.folder}: a detector of the kind {detector.kind} has no versions"
        )
    _check_calibration(detector)
    for part in parts.values():
        kept_windows(part)


def _check_calibration(detector: Detector) -> None:
    """Checks how a detector, and each in it, was calibrated."""
    method = detector.manifest.get("calibration", {}).get("method", BACKEND_ONLY)
    if method != BACKEND_ONLY:
        raise InputError(
            f"{detector.folder}: calibrated on recordings that its networks have not heard "
            f"(calibration.method={method}), in place of which others would be put that they have "
            "heard; `asd-detector threshold` works; to fit it to other recordings, train again "
            "with them and --init_from"
        )
    if isinstance(detector, FusedDetector):
        for part in detector.parts.values():
            _check_calibration(part)
