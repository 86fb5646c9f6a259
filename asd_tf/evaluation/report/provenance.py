"""The last part of a report: how the result came about, and what it leaves out."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from asd_tf.evaluation.report.context import ReportContext
from asd_tf.evaluation.report.html import Markup, count, element, join
from asd_tf.evaluation.report.tables import definitions, named_files

_STATUS = {"bad_file": "could not be read", "unknown_group": "machine or section not known"}


def left_out_section(scored: pd.DataFrame, bad_files: pd.DataFrame | None) -> Markup | None:
    """Names the clips without a score, and the files that could not be read.

    Args:
        scored: The rows of `tested_clips`.
        bad_files: See `ReportContext`.
    """
    bad = bad_files if bad_files is not None else pd.DataFrame({"clip_id": [], "reason": []})
    reasons = dict(zip(bad["clip_id"], bad["reason"], strict=True))
    unscored = scored[scored["score"].isna()]
    named = [
        (clip, reasons.get(clip, _STATUS.get(status, status)))
        for clip, status in zip(unscored["clip_id"], unscored["status"], strict=True)
    ]
    others = [(clip, why) for clip, why in reasons.items() if clip not in set(unscored["clip_id"])]
    if not named and not others:
        return None
    parts = [
        join(
            element("h3", heading.format(count(len(files), one))),
            element("div", named_files(files), class_="files"),
        )
        for heading, one, files in (
            ("{} without a score", "test clip", named),
            ("{} left out of training", "bad file", others),
        )
        if files
    ]
    return element(
        "section",
        element("h2", "Left out", id="left-out-title"),
        *parts,
        id="left-out",
        aria_labelledby="left-out-title",
    )


def provenance_section(context: ReportContext) -> Markup:
    """Builds the run, the commands, the recipe and the versions."""
    run = {
        "method": context.method,
        "recipe": context.recipe,
        "dataset": context.dataset,
        "seed": context.seed,
    }
    run |= {name: value for name, value in context.settings.items() if name not in run}
    commands = element("pre", element("code", "\n".join(context.commands)), tabindex=0)
    return element(
        "section",
        element("h2", "How it was made", id="provenance-title"),
        join(element("h3", "Commands"), commands) if context.commands else None,
        element(
            "div",
            element("div", element("h3", "Run"), definitions(_shown(run))),
            element("div", element("h3", "Versions"), definitions(context.versions.items())),
            class_="columns",
        ),
        join(element("h3", "Recipe"), _recipe(context.values)) if context.values else None,
        id="provenance",
        aria_labelledby="provenance-title",
    )


def _recipe(values: Mapping[str, Any]) -> Markup:
    """Builds a list for each part of the recipe: the keys with the same beginning."""
    parts = {}
    for key, value in values.items():
        part, _, rest = key.partition(".")
        parts.setdefault(part if rest else "", []).append((rest or part, _value(value)))
    lists = [
        element("div", element("h4", part) if part else None, definitions(pairs))
        for part, pairs in parts.items()
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
