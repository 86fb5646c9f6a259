"""The part of a report that compares promised with seen false alarms."""

from asd_tf.evaluation.false_alarms import ALL
from asd_tf.evaluation.report.html import Markup, element, join, percent
from asd_tf.evaluation.report.tables import Cell, count_cell, share_cell, table
from asd_tf.evaluation.results import Evaluation

_COLUMNS = (
    "Machine", "Section", "Domain", "Normal clips", "Promised", "Seen", "95 % interval of seen",
)  # fmt: skip


def false_alarm_part(evaluation: Evaluation) -> Markup | None:
    """Builds the table of promised and seen false alarms; None without a promise or decisions.

    Where there are more than promised, the row has the color of warnings and says so.
    """
    found = evaluation.false_alarms
    if found.empty or found["promised"].isna().all():
        return None
    several = found["subset"].nunique() > 1
    rows, warned = [], []
    for row in found.to_dict("records"):
        cells = [
            row["machine"],
            _words(row["section"], "all sections"),
            _words(row["domain"], "all domains"),
            count_cell(row["normals"]),
            share_cell(row["promised"]),
            share_cell(row["seen"]),
            _interval_cell(row),
        ]
        rows.append([row["subset"], *cells] if several else cells)
        warned.append(row["more_than_promised"])
    names = ["Subset", *_COLUMNS] if several else list(_COLUMNS)
    caption = "Promised and seen false alarms, in percent. Select a heading to sort."
    return join(
        element("h3", "False alarms, promised and seen"),
        element("p", _summary(warned), class_="warning" if any(warned) else "note"),
        table(caption, names, rows, warned=warned),
    )


def _words(value: str, of_all: str) -> str:
    return of_all if value == ALL else value


def _interval_cell(row: dict) -> Cell:
    text = f"{percent(row['low'], 1)} to {percent(row['high'], 1)}"
    return Cell(f"{text}, more than promised" if row["more_than_promised"] else text, row["low"])


def _summary(warned: list[bool]) -> str:
    meaning = (
        "A promise holds for new normal clips that sound like those that calibrated the detector."
        " The interval is that of a share of so many clips (Clopper and Pearson)."
    )
    if not any(warned):
        return f"In no row are there more false alarms than promised, beyond chance. {meaning}"
    return (
        f"In {sum(warned)} of {len(warned)} rows there are more false alarms than promised: the"
        " whole interval is above the promise. Of promises that are kept, that is 3 to 10 of 100"
        f" rows, the more the fewer clips have calibrated the detector. {meaning}"
    )
