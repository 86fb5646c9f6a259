"""A detector with other calibration scores: the same networks and backends, other thresholds."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.detector.sealing.manifest import WRITTEN_ANEW, read_manifest, write_manifest
from asd_tf.detector.sealing.signature import SIGNATURE
from asd_tf.files import atomic_path, write_csv
from asd_tf.scoring.domains import POOLED, PREDICTED
from asd_tf.scoring.p_values import fit_p_values
from asd_tf.scoring.thresholds import Threshold, thresholds_at


def write_recalibrated(
    source: Path,
    target: Path,
    calibration: pd.DataFrame,
    rule: str,
    false_alarms: float,
    *,
    method: str | None = None,
    entries: Mapping[Group, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[Group, Threshold]:
    """Writes a copy of a detector with another calibration table and its thresholds.

    The copy is not signed. An error leaves no folder.

    Args:
        source: Folder of the detector.
        target: Folder to write.
        calibration: Columns machine, section, clip_id, domain, score and, where windows belong to
            recordings, recording_id: normal clips that the detector has not seen.
        rule: See `PValues`.
        false_alarms: Share of unseen normal clips that may raise an alarm, 1e-6 to 0.99.
        method: How the clips were chosen, one of `scoring.calibration.METHODS`; None for what the
            detector says of itself.
        entries: Group to other entries of it in the manifest: `domains`, see `DomainScale`.

    Returns:
        The thresholds.

    Raises:
        InputError: If the source holds no intact detector.
    """
    manifest = read_manifest(source)
    groups = [(group["machine"], group["section"]) for group in manifest["groups"]]
    thresholds = thresholds_at(fit_p_values(calibration, groups, rule), false_alarms)
    said = {} if method is None else {"method": method}
    values = {key: value for key, value in manifest.items() if key not in WRITTEN_ANEW}
    values["calibration"] = {
        **manifest.get("calibration", {}),
        **said,
        "rule": rule,
        "domains": PREDICTED if entries else POOLED,
    }
    values["groups"] = [
        {
            **{key: value for key, value in group.items() if key != "domains"},
            **entries.get(name, {}),
            "threshold": thresholds[name].to_json(),
        }
        for name, group in zip(groups, manifest["groups"], strict=True)
    ]
    with atomic_path(target) as temporary:
        shutil.copytree(source, temporary)
        (temporary / SIGNATURE).unlink(missing_ok=True)
        write_csv(temporary / "calibration" / "scores.csv", calibration)
        write_manifest(temporary, values)
    return thresholds
