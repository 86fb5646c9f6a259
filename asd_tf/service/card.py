"""The card of a detector: a page in Markdown that tells others what it is and how it is used."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

import asd_tf
from asd_tf.data.groups import Group
from asd_tf.detector import Detector
from asd_tf.detector.description import facts_of, part_weights
from asd_tf.detector.parts import OWN, single_parts
from asd_tf.scoring.calibration import BACKEND_ONLY, CROSS_FIT_NETWORK, HOLDOUT
from asd_tf.scoring.thresholds import Threshold

_SPECIAL = str.maketrans(
    {
        **{character: f"\\{character}" for character in "\\`*_[]|#~$!"},
        "&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": " ", "\r": " ",
    }
)  # fmt: skip

_SCORES = """\
It gives a recording of a machine that it knows a score, higher = more anomalous, and a decision:
1 where the score is above the threshold of the machine and section, else 0. It was trained on
recordings of healthy machines only, and does not know what is wrong with a machine."""

_PROMISE = """\
A threshold holds for recordings like those that calibrate it: same machine, microphone and
surroundings. The share of alarms is that of normal recordings."""

_CALIBRATED = {
    BACKEND_ONLY: """\
A network that was trained on the clips that calibrate it finds them more normal than new ones, so
that the share is higher for new ones, unless its method held clips out.""",
    HOLDOUT: "Neither networks nor backends have seen the clips that calibrate it.",
    CROSS_FIT_NETWORK: """\
Each clip that calibrates it was scored by the part that has not seen it; a new one is scored by the
mean of all parts, which varies less.""",
}

_WEIGHTS = """\
A weight tells how well a part finds pseudo-faults of a machine: normal clips with a disturbance.
Their AUC against normal clips is that of clips that the part has not seen, nan where there were
none. Pseudo-faults are easier to find than most faults."""

_SENSOR = {
    True: "What is beyond the limits of the sensor is called a fault of the microphone, and has no "
    "decision.",
    False: "Without limits of the sensor, a fault of the microphone looks like one of the machine.",
}


def card_of(detector: Detector) -> str:
    """Writes the card of a detector.

    Args:
        detector: The detector; its networks and backends are not loaded.

    Returns:
        Markdown that depends on the files of the detector alone. Names in it are escaped: they come
        from whoever made the detector.
    """
    machines = dict.fromkeys(machine for machine, _ in detector.thresholds)
    chapters = [
        f"# Detector of anomalous sounds: {_text(', '.join(machines))}",
        _SCORES,
        "## What it is",
        _table(("", ""), [*facts_of(detector).items(), ("digest", detector.manifest["digest"])]),
        *_parts(detector),
        "## Data and thresholds",
        _table(
            (
                "machine",
                "section",
                "normal clips that calibrate it",
                "threshold",
                "what it promises",
            ),
            _group_rows(detector),
        ),
        f"{_PROMISE} {_CALIBRATED[_method(detector)]}",
        "## Sensor",
        *_sensor(detector),
        "## How to use it",
        *_usage(detector),
    ]
    return "\n\n".join(chapters) + "\n"


def _parts(detector: Detector) -> Iterator[str]:
    """Yields the chapter on the single detectors of a fused one."""
    parts = single_parts(detector)
    if OWN in parts:
        return
    yield "## Parts"
    shown = ("method", "recipe", "sample rate", "clip", "frames", "extractors")
    facts = {name: facts_of(part) for name, part in parts.items()}
    yield _table(
        ("part", *shown),
        [(name, *(of.get(key, "") for key in shown)) for name, of in facts.items()],
    )
    weights = part_weights(detector)
    if weights is not None:
        yield _WEIGHTS
        yield _table(
            ("machine", "part", "weight", "AUC of pseudo-faults"),
            [
                (row.machine, row.part, f"{row.weight:.3f}", f"{row.pseudo_fault_auc:.3f}")
                for row in weights.itertuples()
            ],
        )


def _method(detector: Detector) -> str:
    """Returns how the clips that calibrate a detector were chosen."""
    return detector.manifest.get("calibration", {}).get("method", BACKEND_ONLY)


def _group_rows(detector: Detector) -> Iterator[tuple[str, ...]]:
    calibration = detector.calibration
    found = dict(iter(calibration.groupby(["machine", "section"], sort=False)))
    for group, threshold in detector.thresholds.items():
        value = "none" if threshold.value is None else f"{threshold.value:.6g}"
        yield *group, _counted(found.get(group)), value, promise_of(threshold)


def promise_of(threshold: Threshold) -> str:
    """Returns what a threshold promises, and from how many scores it is."""
    if threshold.value is None:
        return f"no decisions: {threshold.n} normal scores are too few"
    return (
        f"{100 * threshold.false_alarms:.3g} % of normal recordings are above ({threshold.rule}, "
        f"of {threshold.n} scores of the {threshold.scope})"
    )


def _counted(clips: pd.DataFrame | None) -> str:
    """Returns how many clips of each domain there are, and of how many recordings."""
    if clips is None:
        return "0"
    counts = clips["domain"].fillna("no domain").value_counts()
    domains = ", ".join(f"{count} {domain}" for domain, count in counts.items())
    recordings = clips["recording_id"].nunique()
    return domains if recordings == len(clips) else f"{domains}, of {recordings} recordings"


def _sensor(detector: Detector) -> Iterator[str]:
    """Yields which groups have limits of the sensor, and know a machine that is off."""
    limits: dict[Group, set[str]] = {group: set() for group in detector.thresholds}
    for part in single_parts(detector).values():
        for entry in part.manifest["groups"]:
            of_group = limits.get((entry["machine"], entry["section"]))
            if of_group is not None:
                of_group |= {"sensor", "off"} & set(entry)
    words = {True: "yes", False: "no"}
    yield _table(
        ("machine", "section", "limits of the sensor", "knows the machine off"),
        [(*group, words["sensor" in of], words["off" in of]) for group, of in limits.items()],
    )
    for has in sorted({"sensor" in of for of in limits.values()}, reverse=True):
        yield _SENSOR[has]


def _usage(detector: Detector) -> Iterator[str]:
    """Yields the five lines that score recordings: two for a shell, three of Python."""
    machine, section = next(iter(detector.thresholds))
    # Names that would need quotes of two languages are not shown.
    if not all(word.isprintable() and not set(word) & set("'\"\\") for word in (machine, section)):
        machine, section = "MACHINE", "SECTION"
    yield f"With asd_tf {asd_tf.__version__} or later, where `DETECTOR` is its folder:"
    yield _indented(
        "asd-detector verify DETECTOR",
        f"asd-score DETECTOR RECORDINGS --machine='{machine}' --section='{section}'",
    )
    yield "In Python:"
    yield _indented(
        "import asd_tf",
        'detector = asd_tf.load_detector("DETECTOR")',
        f'table = detector.score(["RECORDINGS"], machine="{machine}", section="{section}")',
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *(map(_text, row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _text(value: Any) -> str:
    """Returns a text in which Markdown finds neither marks nor HTML."""
    return str(value).translate(_SPECIAL)


def _indented(*lines: str) -> str:
    return "\n".join(f"    {line}" for line in lines)
