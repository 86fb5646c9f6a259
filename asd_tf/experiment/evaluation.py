"""The evaluation of a trained run: scores, ground truth, metrics and the report."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from asd_tf.config import check_choice, flatten
from asd_tf.data.health.clips import write_measures
from asd_tf.data.layouts.ground_truth import read_ground_truth
from asd_tf.data.windows import recordings_of
from asd_tf.detector import Detector, FusedDetector
from asd_tf.detector.description import part_weights
from asd_tf.errors import InputError
from asd_tf.evaluation.extra_scores.registry import EXTRA_SCORES
from asd_tf.evaluation.report import ReportContext
from asd_tf.evaluation.results import Evaluation, evaluate
from asd_tf.evaluation.runs import summarize_runs
from asd_tf.experiment.evaluated_clips import EvaluatedClips, score_windows
from asd_tf.files import write_csv, write_json
from asd_tf.run.run import Run
from asd_tf.scoring.scores import Scores

_TRUTH = "ground_truth.csv"


def add_ground_truth(run: Run, path: str | Path, own_labels: bool = False) -> None:
    """Reads labels and domains of the evaluation clips, and keeps them with the run.

    They are kept apart from the clip table, so that scores cannot depend on them.

    Args:
        run: The run.
        path: Files of an official evaluator, see `read_ground_truth`.
        own_labels: Whether the data are not the official ones but have the layout of an edition;
            the labels are then not compared with the official ones.

    Raises:
        InputError: If they do not match the clips, or are not the official ones.
    """
    truth = read_ground_truth(
        path, recordings_of(run.test_clips), run.settings.dataset, check_digests=not own_labels
    )
    write_csv(run.folder / _TRUTH, truth)


class RunEvaluations(NamedTuple):
    """The evaluations of a run.

    Attributes:
        evaluation: That of its detector.
        singles: Those of the single runs, if several were fused.
        ensembles: Those of the first run, the first two, and so on up to all, their scores added.
    """

    evaluation: Evaluation
    singles: Sequence[Evaluation] = ()
    ensembles: Sequence[Evaluation] = ()


def evaluate_run(run: Run, tsne: bool = False, extra_scores: Sequence[str] = ()) -> RunEvaluations:
    """Scores the test clips of a trained run and writes its evaluation and its report.

    Args:
        run: The run.
        tsne: Whether the report also has a map of the embeddings by t-SNE.
        extra_scores: Names in `EXTRA_SCORES`, of scores to evaluate beside that of the detector.

    Raises:
        InputError: If the training has not finished.
        UsageError: If an extra score is unknown, or impossible for this detector.
    """
    for name in extra_scores:
        check_choice("extra score", name, EXTRA_SCORES)
    if not (run.detector_folder / "detector.json").exists():
        raise InputError(
            f"{run.folder}: the training has not finished; the command that began it goes on"
        )
    detector = Detector.load(run.detector_folder)
    if run.settings.num_runs == 1:
        clips = _evaluated(run, run.folder / _TRUTH, detector)
        scored, added, scores = clips.scored(detector, _scores(run, detector), extra_scores)
        return RunEvaluations(
            clips.write(detector, scored, scores, [*scores.columns, *added], tsne)
        )
    return _evaluate_many(run, detector, tsne, extra_scores)


def _evaluate_many(
    run: Run, detector: FusedDetector, tsne: bool, extra_scores: Sequence[str]
) -> RunEvaluations:
    """Evaluates runs of several seeds, each alone and their fused detector.

    An extra score is added to each evaluation for which it is possible: some need the parts of a
    fused detector, others the members of one backend.
    """
    singles = {name: Run.load(run.root.single(int(name))) for name in detector.parts}
    scores = {name: _scores(single, detector.parts[name]) for name, single in singles.items()}
    truth = run.folder / _TRUTH
    evaluated = [
        (_evaluated(singles[name], truth, part), part, scores[name])
        for name, part in detector.parts.items()
    ]
    fused = detector.fuse(scores, run.test_clips)
    evaluated.append((_evaluated(run, truth, detector), detector, fused))
    tables = [
        clips.scored(*scored_by, extra_scores, skip_impossible=True)
        for clips, *scored_by in evaluated
    ]
    for name in extra_scores:
        if not any(name in added for _, added, _ in tables):
            clips, *scored_by = evaluated[-1]
            clips.scored(*scored_by, [name])  # raises the reason
    *each, whole = [
        clips.write(part, scored, details, [*details.columns, *added], tsne)
        for (clips, part, _), (scored, added, details) in zip(evaluated, tables, strict=True)
    ]
    ensembles = [*_growing_ensembles(run, detector, scores), whole]
    summary = {**summarize_runs(each), "ensembles": summarize_runs(ensembles)}
    write_json(run.evaluation_folder / "runs.json", summary)
    return RunEvaluations(whole, each, ensembles)


def _growing_ensembles(
    run: Run, detector: FusedDetector, scores: Mapping[str, Scores]
) -> Iterator[Evaluation]:
    """Yields the evaluations of the first run, the first two, and so on, but not of all."""
    names, clips = list(scores), _evaluated(run, run.folder / _TRUTH, detector)
    for count in range(1, len(names)):
        first = {name: scores[name] for name in names[:count]}
        fused = detector.fuse(first, run.test_clips)
        scored, _, _ = clips.scored(detector, fused)
        # The thresholds are those of all runs together.
        yield evaluate(scored.assign(decision=pd.NA), run.settings.dataset)


def _scores(run: Run, detector: Detector) -> Scores:
    """Scores the test clips of a run, from stored embeddings where these are valid."""
    scores = score_windows(detector, run.test_clips, run.embeddings)
    if scores.verdicts is not None and scores.verdicts.measures is not None:
        write_measures(run.folder / "health" / "test.csv", run.test_clips, scores.verdicts.measures)
    return scores


def _evaluated(run: Run, truth: Path, detector: Detector) -> EvaluatedClips:
    return EvaluatedClips(
        windows=run.test_clips,
        dataset=run.settings.dataset,
        truth=_load_truth(truth) if truth.exists() else None,
        folder=run.evaluation_folder,
        context=_context(run, detector),
    )


def _load_truth(path: Path) -> pd.DataFrame:
    columns = {"clip_id": "str", "label": "Int64", "domain": "str"}
    return pd.read_csv(path, dtype=columns, keep_default_na=False, na_values=[""])


def _context(run: Run, detector: Detector) -> ReportContext:
    settings = run.root.description()["settings"]
    named = {name: settings.pop(name) for name in ("method", "recipe", "dataset", "seed")}
    bad = run.folder / "bad_files.csv"
    return ReportContext(
        **named,
        values=flatten(run.config.to_dict()),
        settings=settings,
        commands=[f"asd-evaluate --run_dir={shlex.quote(str(run.folder))}"],
        bad_files=pd.read_csv(bad, dtype=str) if bad.exists() else None,
        part_weights=part_weights(detector),
    )
