"""The files of kept windows: a table of all, and the packed features of each machine and section.

windows.csv            machine, section and `COLUMNS` of each window
000.safetensors        features and measures of those of the first machine and section
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load, save

from asd_tf.data.groups import Group, groups_of
from asd_tf.data.health.measures import IN_FINE_BANDS
from asd_tf.detector.kept.packing import Packing, packed_with
from asd_tf.detector.kept.windows import COLUMNS, Windows, sample_of
from asd_tf.errors import InputError
from asd_tf.files import write_csv

_logger = logging.getLogger(__name__)

TABLE = "windows.csv"
_NUMBERS = ("start_s", "duration_s", "channel")
_PARTS = ("values", "center", "spread")


def write_windows(
    folder: Path, windows: Mapping[Group, Windows], name: str = TABLE
) -> tuple[int, int]:
    """Writes windows of groups, of each at most what `sample_of` returns.

    Args:
        folder: The folder, which is made.
        windows: Group to its windows, of which one has some; each is looked up once.
        name: Name of the table.

    Returns:
        The number of windows that were given, and that of those that are kept.
    """
    folder.mkdir()
    tables: list[pd.DataFrame] = []
    given = 0
    for machine, section in windows:
        of_group = windows[machine, section]
        if not len(of_group):
            continue
        size = sum(2 * values[0].size for values in of_group.features.values())
        given += len(of_group)
        kept = of_group.at(sample_of(of_group.table, size))
        (folder / _tensors(len(tables))).write_bytes(save(_packed(kept)))
        tables.append(kept.table.assign(machine=machine, section=section))
    table = pd.concat(tables, ignore_index=True)[["machine", "section", *COLUMNS]]
    write_csv(folder / name, table)
    return given, len(table)


def keep_windows(
    folder: Path, windows: Mapping[Group, Windows], seed: int, group_by: str | None = None
) -> dict[str, Any]:
    """Writes the normal windows of a detector, says how many, and returns its entry `features`.

    Args:
        folder: See `write_windows`.
        windows: See `write_windows`.
        seed: Seed of the folds that they were calibrated in.
        group_by: What their units are, see `unit_names`; None for recordings.
    """
    given, kept = write_windows(folder, windows)
    size = sum(path.stat().st_size for path in folder.iterdir())
    _logger.info(
        "the detector keeps the features of %s normal windows, %.1f MB, so that recordings can be "
        "added later", f"{kept} of {given}" if kept < given else str(kept), size / 1e6,
    )  # fmt: skip
    units = {} if group_by is None else {"group_by": group_by}
    return {"features": {"seed": seed, "windows": given, "kept": kept, **units}}


class KeptWindows(Mapping[Group, Windows]):
    """The windows that `write_windows` wrote, read on each access.

    Args:
        folder: The folder.
        name: Name of the table.

    Raises:
        InputError: If a file is missing or damaged.
    """

    def __init__(self, folder: Path, name: str = TABLE):
        self._folder = folder
        self._tables = _tables(folder / name)
        self._index = {group: index for index, group in enumerate(self._tables)}

    def __iter__(self) -> Iterator[Group]:
        """Iterates over the groups."""
        return iter(self._tables)

    def __len__(self) -> int:
        """Returns the number of groups."""
        return len(self._tables)

    def __getitem__(self, group: Group) -> Windows:
        """Reads the windows of a group."""
        path, table = self._folder / _tensors(self._index[group]), self._tables[group]
        try:
            tensors = load(path.read_bytes())
            measures = tensors.pop("measures").astype(np.float32)
            names = [key.removeprefix("values/") for key in tensors if key.startswith("values/")]
            packings = {
                name: Packing(tensors[f"center/{name}"], tensors[f"spread/{name}"])
                for name in names
            }
            features = {
                name: _unpacked(packings[name], tensors[f"values/{name}"]) for name in names
            }
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise InputError(f"{path}: holds no features ({error}); take a fresh copy") from None
        good = measures.shape == (len(table), IN_FINE_BANDS.stop) and all(
            values.ndim in (2, 3) and len(values) == len(table) and np.isfinite(values).all()
            for values in features.values()
        )
        if not good:
            raise InputError(f"{path}: holds other features than its table; take a fresh copy")
        return Windows(table, features, measures, packings)

    @property
    def table(self) -> pd.DataFrame:
        """The table of all windows, with machine and section."""
        tables = [of.assign(machine=m, section=s) for (m, s), of in self._tables.items()]
        return pd.concat(tables, ignore_index=True)


def _unpacked(packing: Packing, values: np.ndarray) -> np.ndarray:
    """Returns packed features; a ValueError says that their packing is of another width."""
    if not packing.center.shape == packing.spread.shape == values.shape[-1:]:
        raise ValueError("center and spread are of other features")
    return packing.unpack(values)


def _packed(windows: Windows) -> dict[str, np.ndarray]:
    tensors = {"measures": np.ascontiguousarray(windows.measures, np.float32)}
    for name, values in windows.features.items():
        packing, packed = packed_with(windows.packings.get(name), values)
        parts = zip(_PARTS, (packed, *packing), strict=True)
        tensors |= {f"{part}/{name}": np.ascontiguousarray(of) for part, of in parts}
    return tensors


def _tables(path: Path) -> dict[Group, pd.DataFrame]:
    """Reads the table of each group, in the order in which they were written."""
    try:
        frame = pd.read_csv(
            path,
            dtype=dict.fromkeys({"machine", "section", *COLUMNS} - set(_NUMBERS), str)
            | {"start_s": float, "duration_s": float, "channel": "Int64"},
            keep_default_na=False,
            na_values={"domain": [""], **{name: [""] for name in _NUMBERS}},
            float_precision="round_trip",
        )
        if "unit" not in frame:  # as in detectors of which the folds are those of recordings
            frame["unit"] = frame["recording_id"]
        frame = frame[["machine", "section", *COLUMNS]]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: is no table of windows ({error}); take a fresh copy") from None
    groups = pd.Series(groups_of(frame), dtype=object)
    return {
        group: frame.loc[(groups == group).to_numpy(), list(COLUMNS)].reset_index(drop=True)
        for group in groups.unique()
    }


def _tensors(index: int) -> str:
    return f"{index:03d}.safetensors"
