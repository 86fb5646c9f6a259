"""From an evaluation to one HTML file."""

import importlib.resources
import os
import string
from collections.abc import Mapping

import numpy as np
import pandas as pd

from asd_tf.evaluation.evaluate import Evaluation
from asd_tf.evaluation.report.context import ReportContext
from asd_tf.evaluation.report.embedding_map import map_data
from asd_tf.evaluation.report.html import (
    Markup,
    data_block,
    element,
    escape,
    join,
    source_hash,
)
from asd_tf.evaluation.report.listening import listening_section
from asd_tf.evaluation.report.map_section import map_section
from asd_tf.evaluation.report.provenance import left_out_section, provenance_section
from asd_tf.evaluation.report.result import result_section, shown_keys
from asd_tf.evaluation.report.sections import sections_section
from asd_tf.evaluation.report.tables import KEYS
from asd_tf.evaluation.sections import tested_clips
from asd_tf.files import write_text

_NAMES = {
    "result": "Result",
    "sections": "Sections",
    "map": "Map",
    "clips": "Clips",
    "left-out": "Left out",
    "provenance": "How it was made",
}
_LABELS = {0.0: "normal", 1.0: "anomalous"}


def write_report(
    path: str | os.PathLike,
    evaluation: Evaluation,
    clips: pd.DataFrame,
    features: Mapping[str, np.ndarray],
    context: ReportContext,
    tsne: bool = False,
) -> None:
    """Writes what `build_report` builds, whole or not at all."""
    write_text(path, build_report(evaluation, clips, features, context, tsne))


def build_report(
    evaluation: Evaluation,
    clips: pd.DataFrame,
    features: Mapping[str, np.ndarray],
    context: ReportContext,
    tsne: bool = False,
) -> str:
    """Builds the report of an evaluation: a page of at most 20 MB that loads nothing.

    Args:
        evaluation: What was found.
        clips: The clip table of the test clips.
        features: Name of an extractor to the features of `clips`, row by row: [clips, D] or
            [clips, items, D], NaN for clips that could not be read. May be empty.
        context: Where it comes from.
        tsne: Whether the map of the embeddings is computed by t-SNE, too.

    Returns:
        HTML. It depends on nothing but the arguments and the recordings.
    """
    tested = _described(evaluation, clips)
    scored = tested[tested["score"].notna()]
    sections = evaluation.sections.assign(group=_groups(evaluation.sections, evaluation))
    map_ = map_data(_in_order_of(tested, clips), features, tsne) if features else None
    bad_files = 0 if context.bad_files is None else len(context.bad_files)
    parts = {
        "result": result_section(evaluation, bad_files),
        "sections": sections_section(scored, sections),
        "map": map_section(map_),
        "clips": listening_section(scored),
        "left-out": left_out_section(tested, context.bad_files),
        "provenance": provenance_section(context),
    }
    heading = f"{context.method} · {context.recipe}"
    return _page(heading, context.dataset, parts, map_)


def _described(evaluation: Evaluation, clips: pd.DataFrame) -> pd.DataFrame:
    """Adds to the test clips where their samples are and what they are called."""
    tested = tested_clips(evaluation.scored)
    where = clips.set_index("clip_id")[["start_s", "duration_s", "channel", "attributes"]]
    tested = tested.join(where, on="clip_id")
    names = [tested[key].fillna("").astype(str) for key in shown_keys(evaluation.sections)]
    tested = tested.assign(
        machine=tested["machine"].astype("string").fillna("unknown"),
        section=tested["section"].astype("string").fillna("unknown"),
    )
    return tested.assign(
        group=_groups(tested, evaluation),
        title=[" ".join(parts) for parts in zip(*names, strict=True)],
        shown_label=tested["label"].map(_LABELS).fillna("no label"),
    )


def _groups(frame: pd.DataFrame, evaluation: Evaluation) -> pd.Series:
    """Returns what tells sections apart, as tuples."""
    keys = [key for key in KEYS if key in evaluation.sections]
    columns = [frame[key].astype("string").fillna("") for key in keys]
    return pd.Series(list(zip(*columns, strict=True)), index=frame.index, dtype=object)


def _in_order_of(tested: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """Returns the tested clips as the features stand."""
    return tested.set_index("clip_id").loc[clips["clip_id"]].reset_index()


def _page(
    heading: str, dataset: str, parts: Mapping[str, Markup | None], map_: Mapping | None
) -> str:
    parts = {name: part for name, part in parts.items() if part is not None}
    style = _resource("report.css")
    script = _resource("page.js") + (_resource("map.js") if map_ else "")
    policy = (
        f"default-src 'none'; style-src {source_hash(style)}; script-src {source_hash(script)};"
        " img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )
    links = [element("li", element("a", _NAMES[part], href=f"#{part}")) for part in parts]
    return string.Template(_resource("page.html")).substitute(
        policy=escape(policy),
        title=escape(f"{heading} on {dataset}"),
        heading=join(heading, " ", element("small", f"on {dataset}")),
        style=style,
        navigation=join(*links),
        content=join(*parts.values()),
        data=data_block("map-data", map_) if map_ else "",
        script=script,
    )


def _resource(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
