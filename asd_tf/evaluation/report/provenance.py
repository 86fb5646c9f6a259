"""The last chapters of a report: the clips left out, and how the result was made."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from asd_tf.evaluation.report.context import ReportContext
from asd_tf.evaluation.report.html import Markup, chapter, count, element, join
from asd_tf.evaluation.report.tables import definitions, named_files

_STATUS = {
    "bad_file": "could not be read",
    "unknown_group": "unknown machine or section",
    "off": "the machine is off",
}


def left_out_chapter(scored: pd.DataFrame, bad_files: pd.DataFrame | None) -> Markup | None:
    """Lists the clips without a score, and the files that could not be read.

    Args:
        scored: The rows of `select_test_clips`.
        bad_files: See `ReportContext`.

    Returns:
        The chapter, or None if nothing was left out.
    """
    bad = bad_files if bad_files is not None else pd.DataFrame({"clip_id": [], "reason": []})
    reasons = dict(zip(bad["clip_id"], bad["reason"], strict=True))
    unscored = scored[scored["score"].isna()]
    tested = [
        (clip, reasons.get(clip, _STATUS.get(status, status)))
        for clip, status in zip(unscored["clip_id"], unscored["status"], strict=True)
    ]
    trained = [item for item in reasons.items() if item[0] not in set(unscored["clip_id"])]
    if not tested and not trained:
        return None
    lists = [
        join(
            element("h3", heading.format(count(len(files), name))),
            element("div", named_files(files), class_="files"),
        )
        for heading, name, files in (
            ("{} without a score", "test clip", tested),
            ("{} left out of training", "bad file", trained),
        )
        if files
    ]
    return chapter("left-out", "Left out", *lists)


def provenance_chapter(context: ReportContext) -> Markup:
    """Builds the commands, the settings of the run, the versions and the recipe."""
    run = {
        "method": context.method,
        "recipe": context.recipe,
        "dataset": context.dataset,
        **({} if context.seed is None else {"seed": context.seed}),
    }
    run |= {name: value for name, value in context.settings.items() if name not in run}
    heading = "Detector" if context.seed is None else "Run"
    commands = element("pre", element("code", "\n".join(context.commands)), tabindex=0)
    return chapter(
        "provenance",
        "How it was made",
        join(element("h3", "Commands"), commands) if context.commands else None,
        element(
            "div",
            element("div", element("h3", heading), definitions(_shown(run))),
            element("div", element("h3", "Versions"), definitions(context.versions.items())),
            class_="columns",
        ),
        join(element("h3", "Recipe"), _recipe(context.values)) if context.values else None,
    )


def _recipe(values: Mapping[str, Any]) -> Markup:
    """Builds a list for each block of the recipe: the keys that start with the same word."""
    blocks = {}
    for key, value in values.items():
        first, _, rest = key.partition(".")
        blocks.setdefault(first if rest else "", []).append((rest or first, _value(value)))
    lists = [
        element("div", element("h4", name) if name else None, definitions(pairs))
        for name, pairs in blocks.items()
    ]
    return element("div", *lists, class_="recipe")


def _shown(values: dict) -> list[tuple[str, Markup | str]]:
    return [(name.replace("_", " "), _value(value)) for name, value in values.items()]


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
