"""Recordings of one's own, in folders: `<machine>/{train,test}/[normal|abnormal]/**`.

The machine is the folder above `train` or `test`. Folders above it only group machines, as `line1`
in `line1/press/train`; where two groups have a machine of the same name, these machines are named
by their whole path: `line1/press` and `line2/press`. The section is always 00, the domain source.
Clips in `train` are normal. Clips in `test` are normal or anomalous if a folder below `test`, at
any depth, is called `normal`, or `abnormal`, `anomaly` or `anomalous`; else their label is not
known.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pandas as pd

from asd_tf.data.layouts.file_index import Listing, some
from asd_tf.errors import InputError

SPLITS = ("train", "test")

_LABELS = {"normal": 0, "abnormal": 1, "anomaly": 1, "anomalous": 1}


def is_folder_tree(listing: Listing) -> bool:
    """Whether a clip lies below a folder `train` or `test`."""
    return any(True for _ in _split_paths(listing))


def folder_rows(listing: Listing) -> tuple[list[dict[str, Any]], list[str]]:
    """Builds the rows of the clip table.

    Returns:
        The rows, and the files that lie in neither `train` nor `test`.

    Raises:
        InputError: If a training clip is in an anomalous folder, or a test clip in folders of both.
    """
    paths = list(_split_paths(listing))
    full_names = defaultdict(set)
    for _, machine, _, _ in paths:
        full_names[machine[-1]].add("/".join(machine))
    rows = []
    for file, machine, split, below in paths:
        is_unique = len(full_names[machine[-1]]) == 1
        rows.append(
            {
                "clip_id": file,
                "path": str(listing.root / file),
                "machine": machine[-1] if is_unique else "/".join(machine),
                "section": "00",
                "domain": "source",
                "split": split,
                "label": _label(listing, file, split, below),
            }
        )
    known = {file for file, *_ in paths}
    return rows, [file for file in listing.audio if file not in known]


def _split_paths(listing: Listing) -> Iterator[tuple[str, tuple[str, ...], str, tuple[str, ...]]]:
    """Yields each clip with the folders of its machine, its split and the folders below that."""
    for file in listing.audio:
        *folders, _ = file.split("/")
        lower = [folder.lower() for folder in folders]
        index = next((i for i, folder in enumerate(lower) if folder in SPLITS), None)
        if index is not None:
            # The data folder may be that of a machine.
            machine = tuple(folders[:index]) or (listing.root.name,)
            yield file, machine, lower[index], tuple(lower[index + 1 :])


def _label(listing: Listing, file: str, split: str, below: tuple[str, ...]) -> int | None:
    labels = {_LABELS[folder] for folder in below if folder in _LABELS}
    if split == "train":
        if 1 in labels:
            raise InputError(
                f"{listing.root / file}: an anomalous clip in train, where all must be normal; "
                "move it to test"
            )
        return 0
    if len(labels) > 1:
        raise InputError(f"{listing.root / file}: its folders name it both normal and anomalous")
    return labels.pop() if labels else pd.NA


def no_folder_tree(listing: Listing) -> InputError:
    """Returns the error for a folder without clips: where clips are looked for."""
    found = f"; found {some(listing.audio)}" if listing.audio else ""
    return InputError(
        f"{listing.root}: no clip is there; looked for <machine>/train/*.wav and "
        f"<machine>/test/*.wav (or .flac, .m4a, ...), also below dev_data and eval_data{found}"
    )
