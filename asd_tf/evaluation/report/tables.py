"""HTML tables with captions, header scopes and buttons that sort them; lists of definitions."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from asd_tf.evaluation.report.html import Markup, breakable, count, element, is_missing, percent

COLUMN_NAMES = {
    "auc_source": "AUC source",
    "auc_target": "AUC target",
    "pauc": "pAUC",
    "auc": "AUC",
    "auc_source_within": "AUC source, within",
    "auc_target_within": "AUC target, within",
    "pauc_source": "pAUC source",
    "pauc_target": "pAUC target",
    "pauc_source_within": "pAUC source, within",
    "pauc_target_within": "pAUC target, within",
    "f1": "F1",
    "f1_source": "F1 source",
    "f1_target": "F1 target",
}


@dataclasses.dataclass(frozen=True)
class Cell:
    """A number in a table.

    Attributes:
        text: The text shown.
        value: The number to sort by; None if it does not exist, which is sorted to the end.
    """

    text: str
    value: float | None


def share_cell(value: float | None) -> Cell:
    """Returns the cell of a share, in percent."""
    return Cell(percent(value), None if is_missing(value) else float(value))


def count_cell(value: int) -> Cell:
    """Returns the cell of a count."""
    return Cell(f"{int(value):,}", int(value))


def table(
    caption: str,
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    footer: Sequence[Sequence[Any]] = (),
    warned: Sequence[bool] = (),
) -> Markup:
    """Builds a table that can be sorted by any column, and scrolled if it is too wide.

    Args:
        caption: The caption.
        names: Names of the columns.
        rows: Cells of each row; the first is its heading. Values that are not a `Cell` are sorted
            as text.
        footer: Rows that stay at the end, such as means. If a row has fewer cells than columns, its
            first cell spans the columns that are missing.
        warned: Which of the rows have the color of warnings; empty for none.
    """
    rows = list(rows)
    flags = list(warned) or [False] * len(rows)
    is_number = [isinstance(cell, Cell) for cell in (rows[0] if rows else names)]
    heads = [
        element(
            "th",
            element("button", name, type="button"),
            scope="col",
            aria_sort="none",
            class_="number" if numeric else None,
        )
        for name, numeric in zip(names, is_number, strict=True)
    ]
    children = [
        element("caption", caption),
        element("thead", element("tr", *heads)),
        element(
            "tbody",
            *(_row(row, len(names), flag) for row, flag in zip(rows, flags, strict=True)),
        ),
        element("tfoot", *(_row(row, len(names)) for row in footer)) if footer else None,
    ]
    content = element("table", *children, class_="sortable")
    # A scrollable area must be reachable by keyboard, and what takes the focus must have a name.
    return element("div", content, class_="scroll", role="region", aria_label=caption, tabindex=0)


def _row(cells: Sequence[Any], columns: int, is_warned: bool = False) -> Markup:
    first, *others = cells
    span = columns - len(others)
    head = _cell("th", first, scope="row", colspan=span if span > 1 else None)
    name = "warned" if is_warned else None
    return element("tr", head, *(_cell("td", cell) for cell in others), class_=name)


def _cell(tag: str, cell: Any, **attributes: Any) -> Markup:
    if not isinstance(cell, Cell):
        return element(tag, cell, **attributes)
    value = "" if cell.value is None else repr(cell.value)
    return element(tag, cell.text, data_value=value, class_="number", **attributes)


def definitions(pairs: Iterable[tuple[str, Any]]) -> Markup:
    """Builds a list of names with their values."""
    children = []
    for name, value in pairs:
        children += [element("dt", breakable(name)), element("dd", value)]
    return element("dl", *children)


def named_files(files: Iterable[tuple[str, str]], shown: int = 200) -> Markup:
    """Builds a list of files with reasons, of which the first `shown` are listed."""
    files = list(files)
    items = [
        element("li", element("code", name), f": {reason}" if reason else "")
        for name, reason in files[:shown]
    ]
    if len(files) > shown:
        items.append(element("li", f"and {count(len(files) - shown, 'more', 'more')}"))
    return element("ul", *items)
