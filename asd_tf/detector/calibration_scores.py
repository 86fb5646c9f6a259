"""The table of calibration scores in the folder of a detector."""

from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.errors import InputError

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
        )
        if "recording_id" not in frame:
            frame["recording_id"] = frame["clip_id"]
        return frame
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: is no table of scores ({error})") from None
