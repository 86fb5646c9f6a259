"""The evaluation of a saved detector on labeled data, without the run that made it."""

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from asd_tf.config import check_choice
from asd_tf.detector import Detector
from asd_tf.detector.deciding.decisions import SCORED_COLUMNS
from asd_tf.detector.description import facts_of, part_weights
from asd_tf.detector.folder import check_outside
from asd_tf.errors import UsageError
from asd_tf.evaluation.extra_scores.registry import EXTRA_SCORES
from asd_tf.evaluation.report import ReportContext
from asd_tf.evaluation.results import Evaluation
from asd_tf.experiment.evaluated_clips import EvaluatedClips, score_windows
from asd_tf.experiment.labeled_clips import check_labels, read_test_clips, read_truth
from asd_tf.extraction.store import EmbeddingStore
from asd_tf.files import clear_parts_of, is_leftover
from asd_tf.scoring.scores import Scores

_SCORES, _SECTIONS, _METRICS = "scores.csv", "metrics.csv", "metrics.json"


def evaluate_detector(
    detector: Detector,
    data: Sequence[str | Path],
    out: str | Path,
    *,
    dataset: str | None = None,
    ground_truth: str | Path | None = None,
    own_labels: bool = False,
    extra_scores: Sequence[str] = (),
    tsne: bool = False,
) -> Evaluation:
    """Evaluates a detector on labeled data, and writes what the evaluation of a run writes.

    Only test clips are judged. What else is left out is said in log lines.

    Args:
        detector: The detector, single or fused.
        data: Folders and manifests, see `read_test_clips`.
        out: Folder to write report, metrics, scores and plots to: a new or empty one, or one with
            an evaluation, which is replaced.
        dataset: Layout of the data; None to detect it.
        ground_truth: Labels of evaluation clips, in the files of the official evaluator.
        own_labels: Whether these are not to be compared with the official ones.
        extra_scores: Names in `EXTRA_SCORES`, of scores to evaluate beside that of the detector.
        tsne: Whether the report also has a map of the embeddings by t-SNE.

    Raises:
        InputError: If the data are not as needed, or no clip can be judged.
        UsageError: If a name is unknown or impossible, or the folder holds something else.
    """
    for name in extra_scores:
        check_choice("extra score", name, EXTRA_SCORES)
    out = Path(out)
    check_evaluation_folder(out, detector.folder)
    recordings, dataset = read_test_clips(detector, data, dataset)
    truth = (
        None if ground_truth is None else read_truth(ground_truth, recordings, dataset, own_labels)
    )
    check_labels(detector, recordings, truth)
    windows = detector.recordings.windows_of(recordings)
    # All features may not fit into memory, and nothing else needs them afterwards.
    with tempfile.TemporaryDirectory(prefix="asd_tf-") as folder:
        scores = score_windows(detector, windows, EmbeddingStore(Path(folder)))
        context = _context(detector, data, out, dataset, _bad_files(detector, windows, scores))
        clips = EvaluatedClips(windows, dataset, truth, out, context)
        scored, added, details = clips.scored(detector, scores, extra_scores)
        for name in (_SCORES, _SECTIONS, _METRICS):
            clear_parts_of(out / name)
        return clips.write(detector, scored, details, [*details.columns, *added], tsne)


def check_evaluation_folder(out: Path, detector: Path) -> None:
    """Refuses a folder in which an evaluation would mix with, or replace, something else.

    Args:
        out: The folder.
        detector: The folder of the detector.

    Raises:
        UsageError: If it is no folder, holds something that is no evaluation, whole or begun, or is
            in the folder of the detector.
    """
    check_outside(out, detector)
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is no folder")
    if out.exists() and not (out / _METRICS).exists() and not _is_begun(out):
        raise UsageError(f"{out}: is not empty and holds no evaluation; choose another folder")


def _is_begun(out: Path) -> bool:
    """Returns whether a folder holds no more than what an evaluation writes before its metrics."""
    names = {path.name for path in out.iterdir() if not is_leftover(path.name)}
    if not names:
        return True
    return names <= {_SCORES, _SECTIONS} and _is_table_of_evaluation(out / _SCORES)


def _is_table_of_evaluation(path: Path) -> bool:
    """Returns whether a file has the columns of a scored table, unlike one of `asd-score`."""
    try:
        columns = pd.read_csv(path, nrows=0).columns
    except (OSError, ValueError):
        return False
    return set(SCORED_COLUMNS) <= set(columns)


def _bad_files(detector: Detector, windows: pd.DataFrame, scores: Scores) -> pd.DataFrame:
    """Returns clip_id and reason of the files that could not be read."""
    is_off = False if scores.verdicts is None else scores.verdicts.off
    is_bad = pd.isna(scores.clip) & detector.is_known(windows) & ~is_off
    first = windows[is_bad].drop_duplicates("recording_id")
    rows = [
        (row["recording_id"], detector.recordings.reason_for(row)) for _, row in first.iterrows()
    ]
    return pd.DataFrame(rows, columns=["clip_id", "reason"])


def _context(
    detector: Detector,
    data: Sequence[str | Path],
    out: Path,
    dataset: str,
    bad_files: pd.DataFrame,
) -> ReportContext:
    facts = facts_of(detector)
    named = {name: facts.pop(name) for name in ("method", "recipe")}
    words = ["asd-detector", "evaluate", str(detector.folder), *map(str, data), f"--out={out}"]
    return ReportContext(
        **named,
        dataset=dataset,
        settings={"folder": str(detector.folder), **facts, "digest": detector.manifest["digest"]},
        commands=[shlex.join(words)],
        bad_files=bad_files,
        part_weights=part_weights(detector),
    )
