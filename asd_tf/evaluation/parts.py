"""The parts of a detector that combines several scores, and those that are better alone."""

from collections.abc import Mapping

from asd_tf.evaluation.results import Evaluation, OtherScore

EXTRA_SCORES = ("oracle_", "transductive_")
"""Prefixes of the names of scores that no detector can have."""

RAW_SCORE = "raw_score"
"""The column with scores before they are on the scale of their predicted domain."""

_NO_PARTS = (*EXTRA_SCORES, RAW_SCORE)


def part_scores(others: Mapping[str, OtherScore]) -> dict[str, float | None]:
    """Returns the official score of each part alone, 0 to 1; None where there is none.

    Args:
        others: `Evaluation.others`: the parts of the detector, and other scores.
    """
    return {
        name: other.official.score
        for name, other in others.items()
        if not name.startswith(_NO_PARTS)
    }


def better_parts_line(evaluation: Evaluation) -> str | None:
    """Returns a line on the parts that have a higher official score alone than all together.

    Args:
        evaluation: The evaluation of the detector.

    Returns:
        The line, in percent; None where there is no such part, or no labeled clip.
    """
    whole = evaluation.official.score
    if whole is None:
        return None
    # As the numbers are shown: a difference that nobody sees is none.
    better = {
        name: score
        for name, score in part_scores(evaluation.others).items()
        if score is not None and round(100 * score, 2) > round(100 * whole, 2)
    }
    if not better:
        return None
    best_first = sorted(better.items(), key=lambda item: -item[1])
    named = ", ".join(f"{name} alone has {100 * score:.2f}" for name, score in best_first)
    return f"{named} on these clips, where all parts together have {100 * whole:.2f}"
