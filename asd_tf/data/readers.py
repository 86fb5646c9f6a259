"""From a data folder, or a list of clips, to the clip table."""

import logging
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from asd_tf.config import check_choice
from asd_tf.data.attributes import AttributeTables
from asd_tf.data.channels import parse_channel
from asd_tf.data.clips import check_clips
from asd_tf.data.dcase import EXAMPLES, Name, parse
from asd_tf.data.detection import detect_edition
from asd_tf.data.editions import EDITIONS
from asd_tf.data.folder import folder_rows, is_folder_tree, no_folder_tree
from asd_tf.data.listing import Listing, list_files, some
from asd_tf.data.manifest import manifest_rows
from asd_tf.errors import InputError

DATASETS = (*EDITIONS, "folder", "manifest")


def read_clips(
    data_dir: str | Path, dataset: str | None = None, channel: str | None = None
) -> tuple[pd.DataFrame, str]:
    """Lists the clips of a data folder; no recording is opened.

    `dev_data` and `eval_data` below the folder are read together; the folder may also be one of
    them, or hold the machines itself.

    Args:
        data_dir: The folder; or a manifest, which is a CSV file, see `manifest`.
        dataset: One of `DATASETS`; None to be told by the names, see `detection`. A tree of which
            no name is one of DCASE is a `folder`, see there.
        channel: Which channel of a recording is heard: near, far, mean or a number; None is `near`
            of dcase2026 and else the mean. A clip whose manifest names a channel keeps that.

    Returns:
        The clip table, sorted by clip_id (a manifest in its own order), and the name of the
        dataset.

    Raises:
        InputError: If there is no such folder, no clip in it, names fit no layout or different
            ones, or a manifest or table of attributes is wrong.
        UsageError: If there is no such dataset or channel.
    """
    if dataset is not None:
        check_choice("dataset", dataset, DATASETS)
    heard = None if channel is None else parse_channel(channel)
    path = Path(data_dir)
    is_file = path.suffix.lower() == ".csv" and not path.is_dir()
    if dataset == "manifest" or (dataset is None and is_file):
        rows, dataset = manifest_rows(path), "manifest"
    else:
        rows, dataset = _read_tree(list_files(path), dataset)
    clips = check_clips(pd.DataFrame(rows))
    if channel is None and dataset == "dcase2026":
        heard = parse_channel("near")
    if heard is not None:
        clips["channel"] = clips["channel"].fillna(heard)
    return clips, dataset


def _read_tree(listing: Listing, dataset: str | None) -> tuple[list[dict[str, Any]], str]:
    names = {} if dataset == "folder" else _names_of(listing, dataset)
    if not names and dataset in (None, "folder"):
        rows, others = folder_rows(listing)
        if not rows:
            raise no_folder_tree(listing)
        _warn(listing, others, "are in no folder train or test")
        return rows, "folder"
    if not names:
        raise _no_edition(listing, dataset)
    if dataset is None:
        try:
            dataset = detect_edition(names, (listing.root / "simulation.json").exists())
        except InputError as error:
            raise InputError(f"{listing.root}: {error}") from None
    others = [file for file in listing.audio if file not in names]
    _warn(listing, others, f"are not named as in {dataset}")
    tables = AttributeTables(listing)
    return [_row(listing, file, name, dataset, tables) for file, name in names.items()], dataset


def _names_of(listing: Listing, dataset: str | None) -> dict[str, Name]:
    """Returns the files that are named as in DCASE, of the years in question."""
    of_2020 = {None: (True, False), "dcase2020": (True,)}.get(dataset, (False,))
    found = ((file, parse(listing.root / file)) for file in listing.audio)
    return {file: name for file, name in found if name is not None and name.of_2020 in of_2020}


def _no_edition(listing: Listing, dataset: str) -> InputError:
    if not is_folder_tree(listing):
        return no_folder_tree(listing)
    return InputError(
        f"{listing.root}: the names do not fit {dataset}: {some(listing.audio)}; known are "
        f"{EXAMPLES}; --dataset=folder takes any name"
    )


def _warn(listing: Listing, files: list[str], why: str) -> None:
    if files:
        logging.getLogger("asd_tf").warning(
            "%s: %d files %s and are left out: %s", listing.root, len(files), why, some(files)
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
    """Tells the subset by the innermost folder that names one: `eval_2022/dev_data` is dev.

    Without such a folder it is told by machine and section, which an edition has in one of them.
    """
    folders = (root.name, *PurePosixPath(file).parts[:-3])
    named = [folder[:4] for folder in folders if folder.startswith(("dev", "eval"))]
    if named:
        return "eval" if named[-1] == "eval" else "dev"
    sections = EDITIONS[dataset].machines["eval"].get(name.machine, ())
    return "eval" if name.section in sections else "dev"
