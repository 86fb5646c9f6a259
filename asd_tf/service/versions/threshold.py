"""New thresholds from the calibration scores that a detector has."""

import dataclasses
import logging
from pathlib import Path

from asd_tf.detector import Detector
from asd_tf.detector.anew.deciding import deciding_of, thresholds_of, write_deciding
from asd_tf.errors import UsageError
from asd_tf.scoring.promises import FALSE_ALARMS
from asd_tf.scoring.thresholds import unsupported_line
from asd_tf.service.versions.change import history_with

VERB = "threshold"

_logger = logging.getLogger(__name__)


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
    least, most = FALSE_ALARMS
    if not least <= false_alarms <= most:
        raise UsageError(f"--false_alarms={false_alarms:g}: must be from {least} to {most}")
    deciding = dataclasses.replace(deciding_of(detector), false_alarms=false_alarms)
    if line := unsupported_line(thresholds_of(detector, deciding)):
        _logger.warning(line)

    def history(part: Detector) -> dict[str, list]:
        notes = {"before": deciding_of(part).false_alarms, "false_alarms": false_alarms}
        return {"history": history_with(part, VERB, notes)}

    write_deciding(detector, deciding, target, history)
