"""New sections of a known machine, which are scored as its other sections are."""

from typing import Any

from asd_tf.data.groups import Group
from asd_tf.detector import SingleDetector
from asd_tf.errors import InputError

_FITTED = ("backend", "weight", "offset")


def like_section(detector: SingleDetector, group: Group) -> Group:
    """Returns the section whose scorers and extractors suit a section: itself, if it is known.

    Args:
        detector: A single detector.
        group: A section of a machine that the detector knows.

    Raises:
        InputError: If sections of the machine are scored in different ways, or its network takes
            the section as input, so that there is nothing for a new one.
    """
    if group in detector.thresholds:
        return group
    machine, section = group
    entries = [entry for entry in detector.manifest["groups"] if entry["machine"] == machine]
    if any("number" in entry for entry in entries):
        raise InputError(
            f"{machine} {section}: the network takes the section as input, and has none for a new "
            "one: train again with its recordings"
        )
    if any(_way(entry) != _way(entries[0]) for entry in entries):
        raise InputError(
            f"{machine} {section}: each section of {machine} is scored by outputs of its own, and "
            "there are none for a new one: train again with its recordings"
        )
    return machine, entries[0]["section"]


def _way(entry: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    scoring = entry["scoring"]
    scorers = [{k: v for k, v in of.items() if k not in _FITTED} for of in scoring["scorers"]]
    return scoring["combine"], scorers
