"""Made-up runs for the tests of the report, with recordings on disk where they are heard."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from asd_tf.data.clips import check_clips
from asd_tf.evaluation.evaluate import evaluate
from asd_tf.evaluation.report import ReportContext, build_report

HOSTILE = "<img src=x onerror=\"document.title='hacked'\">"
CLOSING = "</script><script>document.title='hacked'</script>"


def clips_of(scored: pd.DataFrame, **columns) -> pd.DataFrame:
    """Makes the clip table of a scored table."""
    known = ["clip_id", "path", "machine", "section", "domain", "split", "label", "subset"]
    attributes = [{"speed": "3"} for _ in range(len(scored))]
    return check_clips(scored[known].assign(attributes=attributes, **columns))


def features_of(scored: pd.DataFrame, size: int = 8) -> np.ndarray:
    """Makes features [clips, size] that machines form groups in."""
    rng = np.random.default_rng(0)
    machines = pd.factorize(scored["machine"])[0]
    return (rng.normal(size=(len(scored), size)) + 3 * machines[:, None]).astype(np.float32)


def write_recordings(
    scored: pd.DataFrame, folder: Path, seconds: float = 1.0, rate: int = 16000
) -> pd.DataFrame:
    """Writes one file of noise, and returns the table with its path for all clips."""
    path = folder / "noise.wav"
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, round(seconds * rate))
    soundfile.write(path, noise, rate, subtype="PCM_16")
    return scored.assign(path=str(path))


def context(**changes) -> ReportContext:
    """Makes what a report says of its run."""
    known = {
        "method": "wilkinghoff",
        "recipe": "quick",
        "dataset": "dcase2022",
        "seed": 3,
        "values": {"train.epochs": 7, "network.l2": 1e-5, "classes": "train"},
        "settings": {"num_runs": 1, "untrained": False},
        "commands": ["asd-train --method=wilkinghoff --seed=3"],
    }
    return ReportContext(**{**known, **changes})


def report_of(scored: pd.DataFrame, *, features=None, clips=None, tsne=False, **changes) -> str:
    """Builds a report of a scored table."""
    clips = clips_of(scored) if clips is None else clips
    features = {"embedding": features_of(scored)} if features is None else features
    evaluation = evaluate(scored, "dcase2022")
    return build_report(evaluation, clips, features, context(**changes), tsne)


VOID = {"meta", "link", "img", "input", "wbr"}


class Page(HTMLParser):
    """Reads a page, and refuses tags that do not nest."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self._open = [], [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        """Notes a tag with its attributes."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        """Expects the end of what was opened last."""
        assert self._open.pop() == tag

    def handle_data(self, data):
        """Notes what a reader reads."""
        if not {"script", "style"} & set(self._open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All text."""
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict]:
        """The attributes of all elements with a tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def parts(self) -> list[str]:
        """The sections of the page."""
        return [section["id"] for section in self.all("section")]


def map_of(report: str) -> dict | None:
    block = re.search(r'<script type="application/json" id="map-data">(.*?)</script>', report)
    return block and json.loads(block.group(1))


def rows_of(report: str, part: str) -> list[list[str]]:
    """The rows of the body of the first table of a part, as texts."""
    body = report.split(f'id="{part}"')[1].split("<tbody>")[1].split("</tbody>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("</tr>")[:-1]]
    return [[Page(cell).text for cell in row] for row in cells]


def cards_of(report: str, part: str) -> list[str]:
    """The cards of the clips that follow a heading, each as text."""
    ordered = report.split(f'id="{part}"')[1].split("<ol")[1].split("</ol>")[0]
    return [Page(f"<li{card}").text for card in ordered.split("<li")[1:]]
