"""The detector as a user sees it: load it, and score clips."""

import abc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.calibration import Threshold, decide
from asd_tf.data.paths import clips_of_files
from asd_tf.detector.examination import Examination, FeatureStore
from asd_tf.detector.folder import read_manifest
from asd_tf.errors import InputError

Group = tuple[str, str]
Items = dict[str, np.ndarray]

# Clips whose features stand in memory at a time.
_CHUNK = 512

_SCORED_COLUMNS = (
    "clip_id", "path", "machine", "section", "domain", "split", "label", "subset",
    "score", "threshold", "decision", "status",
)  # fmt: skip


class Detector(abc.ABC):
    """Scores clips: the higher, the more anomalous.

    Load one with `Detector.load(folder)`; nothing of the run that made it is needed.

    Attributes:
        folder: Where it lies.
        manifest: What `detector.json` says.
        thresholds: The threshold of each group (machine, section).
    """

    _kinds: dict[str, type["Detector"]] = {}  # noqa: RUF012 (one registry for all subclasses)

    def __init_subclass__(cls, kind: str, **kwargs: Any):
        """Registers a kind of detector under the name that stands in `detector.json`."""
        super().__init_subclass__(**kwargs)
        Detector._kinds[kind] = cls
        cls.kind = kind

    def __init__(self, folder: Path, manifest: dict[str, Any]):
        self.folder = folder
        self.manifest = manifest
        self.thresholds: dict[Group, Threshold] = {
            (group["machine"], group["section"]): Threshold.from_json(group["threshold"])
            for group in manifest["groups"]
        }

    @staticmethod
    def load(folder: str | Path) -> "Detector":
        """Loads a detector, after every file of its folder was checked.

        Args:
            folder: The folder with `detector.json`.

        Raises:
            InputError: If no detector is there, or a file is missing, altered or foreign.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        kind = Detector._kinds.get(manifest.get("kind"))
        if kind is None:
            raise InputError(f"{folder}: unknown kind of detector '{manifest.get('kind')}'")
        try:
            return kind(folder, manifest)
        except (KeyError, TypeError):
            raise InputError(f"{folder}: its manifest is damaged; take a fresh copy") from None

    @property
    def channel(self) -> int | None:
        """The channel that it was trained on; None for the mean of all."""
        return self.manifest.get("channel")

    @property
    def calibration(self) -> pd.DataFrame:
        """Scores of normal clips that their backend did not see.

        Columns machine, section, clip_id, domain, score.
        """
        return pd.read_csv(
            self.folder / "calibration" / "scores.csv",
            dtype={"machine": str, "section": str, "clip_id": str, "domain": str},
            keep_default_na=False,
            na_values={"score": [""], "domain": [""]},
        )

    def sections(self, machine: str) -> list[str]:
        """Returns the sections of a machine that the detector knows."""
        return [section for name, section in self.thresholds if name == machine]

    @abc.abstractmethod
    def anomaly_scores(
        self, clips: pd.DataFrame, progress: Callable[[int], None] = lambda done: None
    ) -> tuple[np.ndarray, Items]:
        """Scores clips of known groups.

        Args:
            clips: The clip table; every row is of a group of the detector.
            progress: Told the number of clips after each step.

        Returns:
            Scores [clips], NaN where a file cannot be read; and the evidence: for each clip_id
            the scores of its items (frames, crops, segments), where the method has items.
        """

    @abc.abstractmethod
    def examine(
        self,
        clips: pd.DataFrame,
        progress: Callable[[int], None] = lambda done: None,
        store: FeatureStore | None = None,
    ) -> Examination:
        """Scores test clips of known groups and tells what the scores are made of.

        Args:
            clips: The clip table; every row is of a group of the detector, none is there twice.
            progress: Told the number of clips after each step.
            store: Where features are looked up and kept, as those of the split `test`; None to
                compute them.
        """

    def score(
        self,
        clips: pd.DataFrame | Iterable[str | Path],
        *,
        machine: str | None = None,
        section: str | None = None,
        items: bool = False,
        progress: Callable[[int], None] = lambda done: None,
    ) -> pd.DataFrame | tuple[pd.DataFrame, Items]:
        """Scores clips and decides which are anomalous.

        Args:
            clips: A clip table, or paths of files, whose machine and section are told by their
                folder and name as in DCASE. Of such files the channel is heard that the detector
                was trained on; a table has a column for that. Where no section is told, it is
                that of the machine, if the detector knows one alone.
            machine: The machine of all clips, whatever their path says.
            section: The section of all clips; `any` takes for each clip the section of its
                machine in which it lies lowest above, or deepest below, the threshold.
            items: Whether to return the evidence per item, too.
            progress: Told the number of clips after each step.

        Returns:
            The scored table: clip_id, path, machine, section, domain, split, label, subset, score
            (NaN if there is none), threshold, decision (0, 1 or missing) and status (`ok`,
            `bad_file`, `unknown_group`). With `items`, also the scores of the items (frames,
            crops, segments) of each clip_id, where the method has items.
        """
        tables, evidence = [], {}
        for table, chunk_items in self.score_in_chunks(
            clips, machine=machine, section=section, progress=progress
        ):
            tables.append(table)
            if items:
                evidence.update(chunk_items)
        scored = pd.concat(tables, ignore_index=True)
        return (scored, evidence) if items else scored

    def score_in_chunks(
        self,
        clips: pd.DataFrame | Iterable[str | Path],
        *,
        machine: str | None = None,
        section: str | None = None,
        progress: Callable[[int], None] = lambda done: None,
        chunk: int = _CHUNK,
    ) -> Iterator[tuple[pd.DataFrame, Items]]:
        """Does the same as `score` with items, a part of the clips at a time."""
        if not isinstance(clips, pd.DataFrame):
            clips = clips_of_files(clips, self.channel)
        clips = clips.assign(
            **{
                name: value
                for name, value in (("machine", machine), ("section", section))
                if value not in (None, "any")
            }
        )
        clips = self._with_only_section(clips)
        score = self._score_any_section if section == "any" else self._score_own_section
        for start in range(0, max(len(clips), 1), chunk):
            yield score(clips.iloc[start : start + chunk].reset_index(drop=True), progress)

    def with_decisions(self, clips: pd.DataFrame, scores: np.ndarray) -> pd.DataFrame:
        """Builds the scored table of clips from their scores [clips], NaN where there is none."""
        table = clips.assign(score=scores, threshold=np.nan, status="unknown_group")
        table["decision"] = pd.array([pd.NA] * len(table), dtype="Int64")
        table.loc[self.is_known(clips), "status"] = np.where(
            np.isnan(scores[self.is_known(clips)]), "bad_file", "ok"
        )
        for group, rows in table.groupby(["machine", "section"]).groups.items():
            threshold = self.thresholds.get(group)
            if threshold is not None and threshold.value is not None:
                table.loc[rows, "threshold"] = threshold.value
                table.loc[rows, "decision"] = decide(table.loc[rows, "score"], threshold)
        return table[list(_SCORED_COLUMNS)]

    def _with_only_section(self, clips: pd.DataFrame) -> pd.DataFrame:
        """Fills in the section that a name does not tell, where its machine has only one."""
        sections = {machine: self.sections(machine) for machine, _ in self.thresholds}
        only = {machine: names[0] for machine, names in sections.items() if len(names) == 1}
        return clips.assign(section=clips["section"].fillna(clips["machine"].map(only)))

    def is_known(self, clips: pd.DataFrame) -> np.ndarray:
        """Tells for each clip [clips] whether its machine and section are known."""
        groups = zip(clips["machine"], clips["section"], strict=True)
        return np.array([group in self.thresholds for group in groups], bool)

    def _score_own_section(self, clips, progress):
        known = self.is_known(clips)
        scores, items = np.full(len(clips), np.nan), {}
        progress(int(np.sum(~known)))
        if known.any():
            scores[known], items = self.anomaly_scores(
                clips[known].reset_index(drop=True), progress
            )
        return self.with_decisions(clips, scores), items

    def _score_any_section(self, clips, progress):
        """Scores each clip in all sections of its machine and keeps the one that fits best."""
        sections = pd.DataFrame(list(self.thresholds), columns=["machine", "section"], dtype="str")
        candidates = clips.drop(columns="section").merge(sections, on="machine", how="left")
        tried, items = self._score_own_section(candidates, lambda done: None)
        progress(len(clips))
        # Cosine scores are negative, so that a ratio to the threshold would turn the order round;
        # where there is no threshold, the scores themselves are compared.
        excess = (tried["score"] - tried["threshold"].fillna(0.0)).fillna(np.inf)
        best = excess.groupby(tried["clip_id"], sort=False).idxmin()
        return tried.loc[best.to_numpy()].reset_index(drop=True), items
