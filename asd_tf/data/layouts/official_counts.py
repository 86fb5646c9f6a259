"""How many clips each edition of DCASE officially has, and the digests of its labels."""

import functools
from importlib import resources

import pandas as pd

from asd_tf.data.clips import SUBSETS
from asd_tf.data.layouts.editions import Edition

# Test clips of a section of the evaluation set, in the editions whose labels were not counted.
_EVAL_TEST_CLIPS = 200


@functools.cache
def label_digests() -> pd.DataFrame:
    """Reads the digests of the official evaluation labels of 2021 to 2024.

    Returns:
        year, machine, section, clips, anomalies, and the SHA-256 of the rows `file,label,domain`
        with a line feed each, sorted by file.
    """
    with resources.files(__package__).joinpath("ground_truth_digests.csv").open() as file:
        return pd.read_csv(file, dtype={"section": "str"})


def official_counts(edition: Edition) -> pd.DataFrame:
    """Lists how many clips an edition has, as far as that is published.

    Returns:
        subset, machine, section (missing: all sections together), kind and clips. The kinds are
        columns of the table of `completeness.count_clips`, and test: test clips of any label.
    """
    rows: list[tuple[str, str, str | None, str, int]] = [
        (subset, machine, section, kind, clips)
        for subset in SUBSETS
        for machine, sections in edition.machines[subset].items()
        for section in sections
        for kind, clips in _section_counts(edition, subset, machine, section).items()
    ]
    rows += [
        ("eval", machine, None, "test", clips)
        for machine, clips in (edition.machine_test_clips or {}).items()
    ]
    frame = pd.DataFrame(rows, columns=["subset", "machine", "section", "kind", "clips"])
    return frame.astype({"section": "str"})


def _section_counts(edition: Edition, subset: str, machine: str, section: str) -> dict[str, int]:
    """Returns the number of clips of a section by their kind."""
    counts = {}
    if edition.train_clips:
        counts["train_source"], counts["train_target"] = edition.train_clips
    if subset == "dev" and edition.dev_test_clips:
        counts["test_normal"], counts["test_anomalous"] = edition.dev_test_clips
    if subset == "eval" and not edition.machine_test_clips:
        counts["test"] = _eval_test_clips(edition, machine, section)
    return counts


def _eval_test_clips(edition: Edition, machine: str, section: str) -> int:
    digests = label_digests()
    is_section = digests["machine"].eq(machine) & digests["section"].eq(section)
    counted = digests.loc[is_section & digests["year"].eq(edition.year), "clips"]
    return int(counted.iloc[0]) if len(counted) else _EVAL_TEST_CLIPS
