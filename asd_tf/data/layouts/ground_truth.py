"""Labels and domains of evaluation clips, from the official evaluators' files.

They are kept out of the clip table: since 2022 a system must not use the domain of a test clip.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from asd_tf.data.archives import csv_files_of
from asd_tf.data.layouts.editions import Edition, find_edition
from asd_tf.data.layouts.file_index import some
from asd_tf.data.layouts.official_counts import label_digests
from asd_tf.errors import InputError

# ground_truth_fan_section_03_test.csv, and ground_truth_fan_section_03_source_test.csv in 2021.
_OF_SECTION = re.compile(
    r"ground_truth_(?P<machine>\w+)_section_\d+_((?P<domain>source|target)_)?test"
)

# section_00_target_test_anomaly_0001_spd_2.wav; some of 2024 lack the word test.
_LABELED = re.compile(r"section_\d+_(?P<domain>source|target)_(test_)?(?P<label>normal|anomaly)_")

# eval_data_list.csv, or eval_data_list_2023.csv beside those of other years. The full name matters:
# the tables of results that the evaluators write have names that begin alike.
_LIST = re.compile(r"eval_data_list(_(?P<year>\d{4}))?")

_SECTION = re.compile(r"(section|id)_(?P<section>\d+)_")

_COLUMNS = ["machine", "file", "label", "domain", "source"]


def read_ground_truth(
    path: str | os.PathLike, clips: pd.DataFrame, dataset: str, check_digests: bool = True
) -> pd.DataFrame:
    """Reads labels and domains of the evaluation test clips of a clip table.

    Rows are joined to clips by machine and file name, never by their order. A name with `_test_`
    equals the one without, since both are published. Rows of machines and sections without clips
    are left out.

    Args:
        path: A folder or zip of an official evaluator as published, or one of its CSV files: the
            lists of a section (since 2021), or one list of all machines with the labeled names
            (`eval_data_list.csv` of 2020, and those of the later baselines).
        clips: The clip table; only its evaluation test clips are looked up.
        dataset: Name of the edition, such as dcase2022.
        check_digests: Whether lists must be the official ones, where their digests are known (2021
            to 2024). Set it to False for one's own data in the layout of an edition.

    Returns:
        A row for each evaluation test clip, in the order of the clip table: clip_id, label (Int64,
        0 normal, 1 anomalous), domain (that of the clip table where the edition has no domains).

    Raises:
        InputError: If there is no list, clips lack a row, rows occur twice or belong to no clip, or
            a list is not the official one.
        UsageError: If the dataset is not an edition.
    """
    edition = find_edition(dataset)
    wanted = clips[(clips["subset"] == "eval") & (clips["split"] == "test")]
    if wanted.empty:
        raise InputError(f"{path}: there is no evaluation test clip to label")
    truth = _read_lists(Path(path), edition)
    truth["section"] = [_section_of(path, file) for file in truth["file"]]
    groups = set(zip(wanted["machine"], wanted["section"], strict=True))
    is_wanted = [group in groups for group in zip(truth["machine"], truth["section"], strict=True)]
    truth = truth[is_wanted].reset_index(drop=True)
    _refuse_duplicates(path, truth)
    if edition.has_domains and truth["domain"].isna().any():
        without = _names(truth[truth["domain"].isna()])
        raise InputError(f"{path}: no domain of {some(without)}; give the whole evaluator")
    if check_digests:
        _check_digests(path, truth, edition)
    return _join(path, wanted, truth)


def _read_lists(path: Path, edition: Edition) -> pd.DataFrame:
    """Reads all lists below a path: machine, file, label, domain, and the list as source."""
    labels, domains = [], []
    for name, text in csv_files_of(path):
        rows = [line.split(",") for line in text.splitlines() if line.strip()]
        rows = [[cell.strip() for cell in row] for row in rows]
        match = _OF_SECTION.fullmatch(name.stem)
        if match:
            if name.parent.name == "ground_truth_domain":
                domains += _rows_of_section(name, rows, match["machine"], ("source", "target"))
            elif name.parent.name != "ground_truth_attributes":
                labeled = _rows_of_section(name, rows, match["machine"], (0, 1))
                labels += [(*row[:3], match["domain"], row[3]) for row in labeled]
        elif _is_list(name, path, edition):
            labels += _rows_of_list(name, rows)
    if not labels:
        raise InputError(
            f"{path}: holds no labels; it must be an official evaluator, as folder or zip, or one "
            "of its lists (ground_truth_data/ground_truth_MACHINE_section_00_test.csv, "
            "eval_data_list.csv)"
        )
    truth = pd.DataFrame(labels, columns=_COLUMNS)
    known = pd.DataFrame(domains, columns=["machine", "file", "domain", "source"])
    _refuse_duplicates(path, known)
    domain = truth[["machine", "file"]].merge(known, "left", ["machine", "file"])["domain"]
    truth["domain"] = truth["domain"].where(truth["domain"].notna(), domain.to_numpy())
    return truth


def _is_list(name: PurePosixPath, path: Path, edition: Edition) -> bool:
    if path.is_file() and path.suffix == name.suffix:
        return True
    match = _LIST.fullmatch(name.stem)
    return match is not None and match["year"] in (None, str(edition.year))


def _rows_of_section(
    name: PurePosixPath, rows: list[list[str]], machine: str, values: tuple
) -> list[tuple]:
    """Reads rows such as `section_03_0000.wav,1`: machine, file, `values[1]` and the source."""
    found = []
    for row in rows:
        if len(row) != 2 or row[1] not in ("0", "1"):
            raise InputError(f"{name}: '{','.join(row)}' is not a file name with 0 or 1")
        found.append((machine, row[0], values[int(row[1])], str(name)))
    return found


def _rows_of_list(name: PurePosixPath, rows: list[list[str]]) -> Iterator[tuple]:
    """Reads a list of all machines: a line with a machine, then `file,labeled name[,label]`."""
    machine = None
    for row in rows:
        if len(row) == 1:
            machine = row[0]
            continue
        match = _LABELED.match(row[1])
        if machine is None:
            raise InputError(f"{name}: begins with '{','.join(row)}', not with a machine")
        if len(row) == 3 and row[2] in ("0", "1"):
            label, domain = int(row[2]), match and match["domain"]
        elif len(row) == 2 and match:
            label, domain = int(match["label"] == "anomaly"), match["domain"]
        else:
            raise InputError(f"{name}: '{','.join(row)}' states no label")
        yield machine, row[0], label, domain, str(name)


def _section_of(path: str | os.PathLike, file: str) -> str:
    match = _SECTION.match(file)
    if match is None:
        raise InputError(f"{path}: '{file}' is not a name of an evaluation clip")
    return match["section"]


def _key(file: str) -> str:
    return PurePosixPath(file).stem.replace("_test_", "_")


def _refuse_duplicates(path: str | os.PathLike, rows: pd.DataFrame) -> None:
    keys = rows["machine"] + "/" + rows["file"].map(_key).astype("str")
    duplicates = rows[keys.duplicated()]
    if len(duplicates):
        where = sorted(set(rows.loc[keys.isin(keys[duplicates.index]), "source"]))
        raise InputError(
            f"{path}: {some(_names(duplicates))} occur twice, in {some(where)}; leave one list"
        )


def _check_digests(path: str | os.PathLike, truth: pd.DataFrame, edition: Edition) -> None:
    official = label_digests()
    official = official[official["year"].eq(edition.year)]
    official = official.set_index(["machine", "section"])["sha256"]
    other = [
        f"{machine} {section}"
        for (machine, section), rows in truth.groupby(["machine", "section"])
        if official.get((machine, section), digest := labels_digest(rows)) != digest
    ]
    if other:
        raise InputError(
            f"{path}: the labels of {some(other)} are not the official ones of {edition.name}, "
            f"so metrics would be wrong; take those of {edition.label_source}"
        )


def labels_digest(rows: pd.DataFrame) -> str:
    """Returns the SHA-256 of the labels of a section.

    Args:
        rows: The columns file, label and domain, a row for each clip of the section.
    """
    lines = sorted(
        f"{file},{label},{domain}\n"
        for file, label, domain in zip(rows["file"], rows["label"], rows["domain"], strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _join(path: str | os.PathLike, clips: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    keys = pd.MultiIndex.from_arrays(
        [clips["machine"], [_key(Path(clip).name) for clip in clips["path"]]]
    )
    is_duplicate = keys.duplicated(keep=False)
    if is_duplicate.any():
        raise InputError(
            f"{path}: a row would belong to several clips: "
            f"{some(list(clips['clip_id'][is_duplicate]))}"
        )
    truth = truth.set_index([truth["machine"], truth["file"].map(_key)])
    missing, unused = ~keys.isin(truth.index), ~truth.index.isin(keys)
    if missing.any():
        raise InputError(f"{path}: no label for {some(list(clips['clip_id'][missing]))}")
    if unused.any():
        raise InputError(
            f"{path}: rows for clips that are not there: {some(_names(truth[unused]))}; "
            "`asd-data check` lists what is missing"
        )
    found = truth.loc[keys]
    domain = found["domain"].to_numpy(object)
    return pd.DataFrame(
        {
            "clip_id": clips["clip_id"].to_numpy(),
            "label": found["label"].to_numpy(),
            "domain": pd.Series(domain).where(pd.notna(domain), clips["domain"].to_numpy(object)),
        }
    ).astype({"clip_id": "str", "label": "Int64", "domain": "str"})


def _names(rows: pd.DataFrame) -> list[str]:
    return list(rows["machine"] + "/" + rows["file"])
