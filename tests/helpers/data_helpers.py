"""Small files and tables for the tests of data."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from asd_tf.data.clips import check_clips


def touch_files(root: Path, names: Iterable[str]) -> Path:
    """Makes empty files below a folder; returns the folder."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def zip_bytes(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Returns a zip with entries of the given names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


def clip_table(paths: Iterable[Path], **columns) -> pd.DataFrame:
    """Returns a clip table of files as training clips of one fan; `columns` are set or added."""
    paths = list(paths)
    frame = {
        "clip_id": [path.name for path in paths],
        "path": [str(path) for path in paths],
        "machine": "fan",
        "section": "00",
        "split": "train",
    }
    return check_clips(pd.DataFrame(frame | columns))
