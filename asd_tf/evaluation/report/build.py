"""Builds the HTML file of a report from an evaluation."""

import importlib.resources
import os
import string
from collections.abc import Mapping

import numpy as np
import pandas as pd

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
from asd_tf.evaluation.report.listening import listening_chapter
from asd_tf.evaluation.report.map_chapter import map_chapter
from asd_tf.evaluation.report.parts import parts_chapter
from asd_tf.evaluation.report.provenance import left_out_chapter, provenance_chapter
from asd_tf.evaluation.report.result import result_chapter, shown_keys
from asd_tf.evaluation.report.section_cards import sections_chapter
from asd_tf.evaluation.report.sensor import sensor_chapter
from asd_tf.evaluation.results import Evaluation
from asd_tf.evaluation.section_metrics import KEY_COLUMNS, select_test_clips
from asd_tf.files import write_text

_CHAPTERS = {
    "result": "Result",
    "sections": "Sections",
    "parts": "Parts",
    "map": "Map",
    "clips": "Clips",
    "sensor": "Sensor",
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
    """Writes the report of `build_report` atomically."""
    write_text(path, build_report(evaluation, clips, features, context, tsne))


def build_report(
    evaluation: Evaluation,
    clips: pd.DataFrame,
    features: Mapping[str, np.ndarray],
    context: ReportContext,
    tsne: bool = False,
) -> str:
    """Builds the report of an evaluation: an HTML page of at most 20 MB that loads nothing.

    Args:
        evaluation: The results.
        clips: The clip table of the test clips.
        features: Name of an extractor to the features of the rows of `clips`: [clips, D] or
            [clips, items, D], NaN for clips that could not be read. May be empty.
        context: The run that the results are of.
        tsne: Whether to add a map of the embeddings by t-SNE to that by PCA.

    Returns:
        HTML that depends only on the arguments and the recordings.
    """
    tested = _described(evaluation, clips)
    scored = tested[tested["score"].notna()]
    sections = evaluation.sections.assign(section_key=_section_keys(evaluation.sections))
    map_ = map_data(_in_order_of(tested, clips), features, tsne) if features else None
    bad_files = 0 if context.bad_files is None else len(context.bad_files)
    chapters = {
        "result": result_chapter(evaluation, bad_files),
        "sections": sections_chapter(scored, sections),
        "parts": parts_chapter(evaluation, context.part_weights),
        "map": map_chapter(map_),
        "clips": listening_chapter(scored),
        "sensor": sensor_chapter(tested, shown_keys(evaluation.sections)),
        "left-out": left_out_chapter(tested, context.bad_files),
        "provenance": provenance_chapter(context),
    }
    heading = f"{context.method} · {context.recipe}"
    return _page(heading, context.dataset, chapters, map_)


def _described(evaluation: Evaluation, clips: pd.DataFrame) -> pd.DataFrame:
    """Returns the test clips with the location of their samples and the texts to show."""
    tested = select_test_clips(evaluation.scored)
    location = clips.set_index("clip_id")[["start_s", "duration_s", "channel", "attributes"]]
    tested = tested.join(location, on="clip_id")
    names = [tested[key].fillna("").astype(str) for key in shown_keys(evaluation.sections)]
    tested = tested.assign(
        machine=tested["machine"].astype("string").fillna("unknown"),
        section=tested["section"].astype("string").fillna("unknown"),
    )
    return tested.assign(
        section_key=_section_keys(tested),
        title=[" ".join(words) for words in zip(*names, strict=True)],
        shown_label=tested["label"].map(_LABELS).fillna("no label"),
    )


def _section_keys(frame: pd.DataFrame) -> pd.Series:
    """Returns the subset, machine and section of each row as a tuple."""
    columns = [frame[key].astype("string").fillna("") for key in KEY_COLUMNS]
    return pd.Series(list(zip(*columns, strict=True)), index=frame.index, dtype=object)


def _in_order_of(tested: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """Returns the tested clips in the order of the clip table, which is that of the features."""
    return tested.set_index("clip_id").loc[clips["clip_id"]].reset_index()


def _page(
    heading: str, dataset: str, chapters: Mapping[str, Markup | None], map_: Mapping | None
) -> str:
    chapters = {name: content for name, content in chapters.items() if content is not None}
    style = _resource("report.css")
    script = _resource("page.js") + (_resource("map.js") if map_ else "")
    policy = (
        f"default-src 'none'; style-src {source_hash(style)}; script-src {source_hash(script)};"
        " img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )
    links = [element("li", element("a", _CHAPTERS[name], href=f"#{name}")) for name in chapters]
    return string.Template(_resource("page.html")).substitute(
        policy=escape(policy),
        title=escape(f"{heading} on {dataset}"),
        heading=join(heading, " ", element("small", f"on {dataset}")),
        style=style,
        navigation=join(*links),
        content=join(*chapters.values()),
        data=data_block("map-data", map_) if map_ else "",
        script=script,
    )


def _resource(name: str) -> str:
    return (
        importlib.resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")
    )
