"""The chapter of a report on the parts of a detector: each alone, and how they are weighted."""

import pandas as pd

from asd_tf.evaluation.parts import part_scores
from asd_tf.evaluation.report.html import Markup, chapter, element, is_missing
from asd_tf.evaluation.report.tables import Cell, share_cell, table
from asd_tf.evaluation.results import Evaluation

_ALONE = (
    "The score of a clip combines those of these parts. A part that is better alone on these clips"
    " need not be on others."
)
_WEIGHTS = (
    "A weight tells how well a part finds pseudo-faults: normal clips of the machine with a"
    " disturbance. Its AUC against normal clips is that of clips that the part has not seen."
    " Pseudo-faults are easier to find than most faults."
)


def parts_chapter(evaluation: Evaluation, weights: pd.DataFrame | None) -> Markup | None:
    """Builds the table of the parts, and that of their weights.

    Args:
        evaluation: The results.
        weights: See `ReportContext.part_weights`.

    Returns:
        The chapter, or None where the detector has no parts.
    """
    scores = part_scores(evaluation.others)
    if not scores:
        return None
    rows = [[name, share_cell(score)] for name, score in scores.items()]
    whole = ["all together", share_cell(evaluation.official.score)]
    caption = "Official score of each part alone, in percent. Select a heading to sort."
    return chapter(
        "parts",
        "Parts",
        element("p", _ALONE, class_="note"),
        table(caption, ["Part", "Official score"], rows, [whole]),
        None if weights is None else _weights(weights),
        None if weights is None else element("p", _WEIGHTS, class_="note"),
    )


def _weights(weights: pd.DataFrame) -> Markup:
    rows = [
        [row.machine, row.part, _cell(row.weight), share_cell(row.pseudo_fault_auc)]
        for row in weights.itertuples()
    ]
    names = ["Machine", "Part", "Weight", "AUC of pseudo-faults"]
    return table("Weights of the parts; AUC in percent. Select a heading to sort.", names, rows)


def _cell(weight: float) -> Cell:
    return Cell("-" if is_missing(weight) else f"{weight:.3f}", float(weight))
