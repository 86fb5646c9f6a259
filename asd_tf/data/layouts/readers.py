"""Reads the clip table of a data folder or of a manifest."""

import logging
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from asd_tf.config import check_choice
from asd_tf.data.clips import check_clips
from asd_tf.data.layouts.attributes import AttributeTables
from asd_tf.data.layouts.channels import EACH, NAMED, parse_channel
from asd_tf.data.layouts.dcase import EXAMPLES, Name, parse
from asd_tf.data.layouts.detection import detect_edition, is_simulated
from asd_tf.data.layouts.editions import EDITIONS
from asd_tf.data.layouts.file_index import Listing, list_files, some
from asd_tf.data.layouts.folder import folder_rows, is_folder_tree, no_folder_tree
from asd_tf.data.layouts.manifest import manifest_rows
from asd_tf.errors import InputError

_log = logging.getLogger(__name__)


def read_clips(
    data_dir: str | Path,
    dataset: str | None = None,
    channel: str | None = None,
    split: str = "train",
) -> tuple[pd.DataFrame, str]:
    """Lists the clips of a data folder; no recording is opened.

    `dev_data` and `eval_data` below the folder are read together; the folder may also be one of
    them, or hold the machines itself.

    Args:
        data_dir: The folder; or a manifest, which is a CSV file, see `manifest`.
        dataset: Name of an edition, `folder` or `manifest`; None to detect it by the names, see
            `detection`. A tree without any name of DCASE is a `folder`, see there.
        channel: The channel of recordings that is used: near, far, mean, each or a number; None for
            the default of the edition (near in 2026), else the mean. A clip whose manifest names a
            channel keeps that. For each, channels are missing as for the mean: the clips are still
            to be divided, see `asd_tf.data.channel_windows`.
        split: The split of rows of a manifest that name none.

    Returns:
        The clip table, sorted by clip_id (a manifest in its own order), and the name of the
        dataset.

    Raises:
        InputError: If there is no such folder, it holds no clip, the names fit no layout or two of
            them, or a manifest or table of attributes is wrong.
        UsageError: If there is no such dataset or channel.
    """
    if dataset is not None:
        check_choice("dataset", dataset, (*EDITIONS, "folder", "manifest"))
    if channel is not None:
        _checked_channel(channel)  # a wrong one is an error before the files are listed
    path = Path(data_dir)
    is_file = path.suffix.lower() == ".csv" and not path.is_dir()
    if dataset == "manifest" or (dataset is None and is_file):
        rows, dataset = manifest_rows(path, split), "manifest"
    else:
        rows, dataset = _read_tree(list_files(path), dataset)
    clips = check_clips(pd.DataFrame(rows))
    clips["channel"] = clips["channel"].fillna(_select_channel(dataset, channel))
    return clips, dataset


def _select_channel(dataset: str, channel: str | None) -> Any:
    """Returns the number of the channel to use; missing for the mean of all."""
    if channel is None and dataset in EDITIONS:
        channel = EDITIONS[dataset].default_channel
    number = None if channel is None else _checked_channel(channel)
    return pd.NA if number is None else number


def _checked_channel(channel: str) -> int | None:
    return None if channel == EACH else parse_channel(channel, (*NAMED, EACH))


def _read_tree(listing: Listing, dataset: str | None) -> tuple[list[dict[str, Any]], str]:
    names = {} if dataset == "folder" else _names_of(listing, dataset)
    if not names:
        if dataset is not None and dataset != "folder":
            raise _no_edition(listing, dataset)
        rows, others = folder_rows(listing)
        if not rows:
            raise no_folder_tree(listing)
        _warn(listing, others, "are in no folder train or test")
        return rows, "folder"
    if dataset is None:
        try:
            dataset = detect_edition(names, is_simulated(listing.root))
        except InputError as error:
            raise InputError(f"{listing.root}: {error}") from None
    others = [file for file in listing.audio if file not in names]
    _warn(listing, others, f"are not named as in {dataset}")
    tables = AttributeTables(listing)
    return [_row(listing, file, name, dataset, tables) for file, name in names.items()], dataset


def _names_of(listing: Listing, dataset: str | None) -> dict[str, Name]:
    """Returns the files that are named as in the edition, or as in any if none is given."""
    parsed = ((file, parse(listing.root / file)) for file in listing.audio)
    return {
        file: name
        for file, name in parsed
        if name is not None and (dataset is None or name.naming == EDITIONS[dataset].naming)
    }


def _no_edition(listing: Listing, dataset: str) -> InputError:
    if not is_folder_tree(listing):
        return no_folder_tree(listing)
    return InputError(
        f"{listing.root}: the names do not fit {dataset}: {some(listing.audio)}; known are "
        f"{EXAMPLES}; --dataset=folder takes any name"
    )


def _warn(listing: Listing, files: list[str], reason: str) -> None:
    if files:
        _log.warning(
            "%s: %d files %s and are left out: %s", listing.root, len(files), reason, some(files)
        )


def _row(
    listing: Listing, file: str, name: Name, dataset: str, tables: AttributeTables
) -> dict[str, Any]:
    attributes = name.attribute_values()
    if not attributes:
        attributes = tables.find(file, name.machine)
    return {
        "clip_id": file,
        "path": str(listing.root / file),
        "machine": name.machine,
        "section": name.section,
        "domain": name.domain,
        "split": name.split,
        "label": pd.NA if name.label is None else name.label,
        "subset": _subset(listing.root, file, name, dataset),
        "attributes": attributes,
    }


def _subset(root: Path, file: str, name: Name, dataset: str) -> str:
    """Returns the subset that the innermost folder names: `eval_2022/dev_data` is dev.

    Without such a folder, machine and section decide: an edition has them in one of the subsets.
    """
    folders = (root.name, *PurePosixPath(file).parts[:-3])
    named = [folder[:4] for folder in folders if folder.startswith(("dev", "eval"))]
    if named:
        return "eval" if named[-1] == "eval" else "dev"
    sections = EDITIONS[dataset].machines["eval"].get(name.machine, ())
    return "eval" if name.section in sections else "dev"
