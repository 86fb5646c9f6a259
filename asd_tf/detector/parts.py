"""The single detectors that a detector consists of."""

from collections.abc import Iterator

from asd_tf.detector.base import Detector
from asd_tf.detector.fused import FusedDetector
from asd_tf.detector.single import SingleDetector

OWN = ""
"""The name of a detector that is single itself."""


def single_parts(detector: Detector) -> dict[str, SingleDetector]:
    """Returns the single detectors that a detector consists of, in the order of its parts.

    Args:
        detector: A single detector, or one fused of others, which may be fused themselves.

    Returns:
        Name to detector: the names on the way to it, joined by `: ` as in the names of features;
        `OWN` for a detector that is single itself.
    """
    return dict(_parts(detector, ()))


def _parts(detector: Detector, above: tuple[str, ...]) -> Iterator[tuple[str, SingleDetector]]:
    if isinstance(detector, SingleDetector):
        yield ": ".join(above) or OWN, detector
    elif isinstance(detector, FusedDetector):
        for name, part in detector.parts.items():
            yield from _parts(part, (*above, name))
