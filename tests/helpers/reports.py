"""Synthetic runs for the tests of the report, and readers of its HTML."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from asd_tf.data.clips import check_clips
from asd_tf.evaluation.report import ReportContext, build_report
from asd_tf.evaluation.results import evaluate

HOSTILE = "<img src=x onerror=\"document.title='hacked'\">"
CLOSING = "</script><script>document.title='hacked'</script>"


def clips_of(scored: pd.DataFrame, **columns) -> pd.DataFrame:
    """Makes the clip table of a scored table."""
    columns_kept = ["clip_id", "path", "machine", "section", "domain", "split", "label", "subset"]
    attributes = [{"speed": "3"} for _ in range(len(scored))]
    return check_clips(scored[columns_kept].assign(attributes=attributes, **columns))


def features_of(scored: pd.DataFrame, size: int = 8) -> np.ndarray:
    """Makes features [clips, size] in which machines form clusters."""
    rng = np.random.default_rng(0)
    machines = pd.factorize(scored["machine"])[0]
    return (rng.normal(size=(len(scored), size)) + 3 * machines[:, None]).astype(np.float32)


def write_recordings(
    scored: pd.DataFrame, folder: Path, seconds: float = 1.0, rate: int = 16000
) -> pd.DataFrame:
    """Writes a file of noise, and returns the table with its path for all clips."""
    path = folder / "noise.wav"
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, round(seconds * rate))
    soundfile.write(path, noise, rate, subtype="PCM_16")
    return scored.assign(path=str(path))


def context(**changes) -> ReportContext:
    """Makes the context of a report."""
    values = {
        "method": "wilkinghoff",
        "recipe": "quick",
        "dataset": "dcase2022",
        "seed": 3,
        "values": {"train.epochs": 7, "network.l2": 1e-5, "classes": "train"},
        "settings": {"num_runs": 1, "untrained": False},
        "commands": ["asd-train --method=wilkinghoff --seed=3"],
    }
    return ReportContext(**{**values, **changes})


def report_of(scored: pd.DataFrame, *, features=None, clips=None, tsne=False, **changes) -> str:
    """Builds a report of a scored table."""
    clips = clips_of(scored) if clips is None else clips
    features = {"embedding": features_of(scored)} if features is None else features
    evaluation = evaluate(scored, "dcase2022")
    return build_report(evaluation, clips, features, context(**changes), tsne)


VOID = {"meta", "link", "img", "input", "wbr"}


class Page(HTMLParser):
    """Parses a page, and asserts that its tags are nested correctly."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self._open = [], [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        """Records a tag with its attributes."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        """Asserts that the tag was opened last."""
        assert self._open.pop() == tag

    def handle_data(self, data):
        """Records visible text."""
        if not {"script", "style"} & set(self._open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All visible text."""
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict]:
        """Returns the attributes of all elements with a tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def chapters(self) -> list[str]:
        """The ids of the chapters."""
        return [chapter["id"] for chapter in self.all("section")]


def map_of(report: str) -> dict | None:
    """Returns the data of the map, or None without a map."""
    block = re.search(r'<script type="application/json" id="map-data">(.*?)</script>', report)
    return block and json.loads(block.group(1))


def rows_of(report: str, chapter: str) -> list[list[str]]:
    """Returns the texts of the cells in the body of the first table of a chapter."""
    body = report.split(f'id="{chapter}"')[1].split("<tbody>")[1].split("</tbody>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("</tr>")[:-1]]
    return [[Page(cell).text for cell in row] for row in cells]


def cards_of(report: str, heading: str) -> list[str]:
    """Returns the texts of the cards of clips below the heading with an id."""
    cards = report.split(f'id="{heading}"')[1].split("<ol")[1].split("</ol>")[0]
    return [Page(f"<li{card}").text for card in cards.split("<li")[1:]]
