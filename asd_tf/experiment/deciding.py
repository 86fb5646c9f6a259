"""Settings that only decide, such as the share of false alarms, may change on a finished run."""

import logging

from asd_tf.config import first_difference
from asd_tf.detector import Detector
from asd_tf.detector.anew.deciding import Deciding, deciding_of, write_deciding
from asd_tf.run.folder import read_description
from asd_tf.run.run import Run
from asd_tf.scoring.thresholds import unsupported_line

_logger = logging.getLogger(__name__)


def decide_as_set(run: Run) -> None:
    """Derives the thresholds of a finished run anew where its recipe says so.

    The detector is replaced whole or not at all, and before `config.json`: after a kill in between
    the same command finds the detector as it should be, and completes the change.

    Args:
        run: The run, whose detector is there.
    """
    detector, config = Detector.load(run.detector_folder), run.config
    before = deciding_of(detector)
    after = Deciding(
        config.calibration.false_alarms,
        config.calibration.rule,
        None if before.pool is None else config.recording.pool,
    )
    if before != after:
        write_deciding(detector, after, run.detector_folder)
        signed = "; it is no longer signed" if (detector.folder / "signature.json").exists() else ""
        _logger.info(
            "%s: thresholds derived anew for %s; all trainings are taken as they are%s",
            run.detector_folder, _words(after), signed,
        )  # fmt: skip
        if line := unsupported_line(Detector.load(run.detector_folder).thresholds):
            _logger.warning(line)
    if first_difference(read_description(run.folder)["recipe"], config.to_dict()) is not None:
        run.root.write_description()


def _words(deciding: Deciding) -> str:
    pool = "" if deciding.pool is None else f", recording.pool={deciding.pool}"
    share = f"calibration.false_alarms={deciding.false_alarms:g}"
    return f"{share}, calibration.rule={deciding.rule}{pool}"
