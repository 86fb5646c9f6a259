"""The chapter of a report on the microphone: recordings that tell of it and not of the machine."""

from collections.abc import Sequence

import pandas as pd

from asd_tf.evaluation.report.html import Markup, chapter, count, element, join
from asd_tf.evaluation.report.tables import count_cell, definitions, named_files, table

_OK = "ok"
_MEANINGS = {
    "silent": "nothing is heard",
    "too_short": "too few samples to judge",
    "clipped": "samples are cut at a limit",
    "dropouts": "pieces are missing",
    "gain": "all bands are louder, or all quieter, than in training",
    "bandwidth": "the highest bands are missing",
    "hum": "the mains hum",
}


def sensor_chapter(tested: pd.DataFrame, keys: Sequence[str]) -> Markup | None:
    """Counts the faults of the sensor in every section, and lists the recordings.

    Args:
        tested: The rows of `select_test_clips`, with texts to show.
        keys: The columns that identify a section.

    Returns:
        The chapter, or None where the detector does not judge the sensor.
    """
    if "sensor" not in tested or tested["sensor"].isna().all():
        return None
    judged = tested[tested["sensor"].notna()]
    faulty = judged[judged["sensor"] != _OK]
    if faulty.empty:
        return chapter("sensor", "Sensor", element("p", _summary(0, len(judged)), class_="note"))
    named = zip(faulty["clip_id"], faulty["sensor"].str.replace("+", ", "), strict=True)
    return chapter(
        "sensor",
        "Sensor",
        element("p", _summary(len(faulty), len(judged)), class_="note"),
        _table(judged, keys),
        join(element("h3", "What they mean"), definitions(_named(_reasons(faulty)))),
        join(element("h3", "Recordings"), element("div", named_files(named), class_="files")),
    )


def _table(judged: pd.DataFrame, keys: Sequence[str]) -> Markup:
    reasons = _reasons(judged)
    rows = []
    for key, of_section in judged.groupby(list(keys), sort=True, dropna=False):
        found = of_section["sensor"].str.split("+")
        counts = [len(of_section), of_section["sensor"].ne(_OK).sum()]
        counts += [sum(reason in of_clip for of_clip in found) for reason in reasons]
        rows.append([*key, *map(count_cell, counts)])
    names = [*keys, "recordings", "faulty", *reasons]
    caption = "Recordings in which the sensor looks faulty. Select a heading to sort."
    return table(caption, [name.replace("_", " ").capitalize() for name in names], rows)


def _reasons(judged: pd.DataFrame) -> list[str]:
    """Returns what occurs, in the order of the meanings."""
    found = {reason for reasons in judged["sensor"] for reason in reasons.split("+")}
    return [reason for reason in _MEANINGS if reason in found]


def _named(reasons: Sequence[str]) -> list[tuple[str, str]]:
    return [(reason.replace("_", " "), _MEANINGS[reason]) for reason in reasons]


def _summary(faulty: int, judged: int) -> str:
    return (
        f"In {faulty:,} of {count(judged, 'recording')} the sensor looks faulty beside the training"
        " recordings. The numbers of the other chapters count them like all others, with the"
        " decision of the threshold, so that they can be compared with published ones. asd-score"
        " decides on none of them."
    )
