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
from asd_tf.errors import InputError, UsageError
from asd_tf.evaluation.extra_scores.registry import EXTRA_SCORES, add_extra_score
from asd_tf.evaluation.ground_truth import join_ground_truth
from asd_tf.evaluation.output import write_evaluation
from asd_tf.evaluation.report import ReportContext, write_report
from asd_tf.evaluation.results import Evaluation, evaluate
from asd_tf.evaluation.runs import summarize_runs
from asd_tf.files import write_csv, write_json
from asd_tf.progress import progress_over
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
        scores = _scores(run, detector)
        scored, added, scores = _scored(run, detector, scores, run.folder / _TRUTH, extra_scores)
        others = [*scores.parts, *added]
        return RunEvaluations(_write(run, detector, scored, scores, others, tsne))
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
    evaluated = [(singles[name], detector.parts[name], scores[name]) for name in singles]
    evaluated.append((run, detector, detector.fuse(scores, run.test_clips)))
    tables = [
        _scored(*arguments, run.folder / _TRUTH, extra_scores, skip_impossible=True)
        for arguments in evaluated
    ]
    for name in extra_scores:
        if not any(name in added for _, added, _ in tables):
            _scored(*evaluated[-1], run.folder / _TRUTH, [name])  # raises the reason
    *each, whole = [
        _write(single, part, scored, details, [*details.parts, *added], tsne)
        for (single, part, _), (scored, added, details) in zip(evaluated, tables, strict=True)
    ]
    ensembles = [*_growing_ensembles(run, detector, scores), whole]
    summary = {**summarize_runs(each), "ensembles": summarize_runs(ensembles)}
    write_json(run.evaluation_folder / "runs.json", summary)
    return RunEvaluations(whole, each, ensembles)


def _growing_ensembles(
    run: Run, detector: FusedDetector, scores: Mapping[str, Scores]
) -> Iterator[Evaluation]:
    """Yields the evaluations of the first run, the first two, and so on, but not of all."""
    names = list(scores)
    for count in range(1, len(names)):
        first = {name: scores[name] for name in names[:count]}
        fused = detector.fuse(first, run.test_clips)
        scored, _, _ = _scored(run, detector, fused, run.folder / _TRUTH, ())
        # The thresholds are those of all runs together.
        yield evaluate(scored.assign(decision=pd.NA), run.settings.dataset)


def _scores(run: Run, detector: Detector) -> Scores:
    """Scores the test clips of a run, from stored embeddings where these are valid."""
    clips = run.test_clips
    known = detector.is_known(clips)
    with progress_over(int(known.sum()), "score") as progress:
        scores = detector.score_with_details(
            clips[known].reset_index(drop=True), progress, run.embeddings
        )
    scores = scores.spread(known)
    if scores.verdicts is not None and scores.verdicts.measures is not None:
        write_measures(run.folder / "health" / "test.csv", clips, scores.verdicts.measures)
    return scores


def _scored(
    run: Run,
    detector: Detector,
    scores: Scores,
    truth: Path,
    extra_scores: Sequence[str],
    skip_impossible: bool = False,
) -> tuple[pd.DataFrame, list[str], Scores]:
    """Scores recordings by the scores of their windows.

    Returns:
        The scored table, with ground truth and extra scores, the names of the latter, and the
        scores of the recordings.
    """
    recordings, scores = detector.recordings.pooled(run.test_clips, scores)
    scored, added = detector.with_decisions(recordings, scores).assign(**scores.parts), []
    if truth.exists():
        scored = join_ground_truth(scored, _load_truth(truth))
    for name in extra_scores:
        try:
            scored = add_extra_score(name, scored, scores, run.settings.dataset)
        except UsageError:
            if not skip_impossible:
                raise
        else:
            added.append(name)
    return scored, added, scores


def _write(
    run: Run,
    detector: Detector,
    scored: pd.DataFrame,
    scores: Scores,
    others: Sequence[str],
    tsne: bool,
) -> Evaluation:
    """Evaluates a scored table, and writes metrics, plots and report into the folder of the run."""
    levels = {threshold.false_alarms for threshold in detector.thresholds.values()}
    promised = levels.pop() if len(levels) == 1 else None
    evaluation = evaluate(scored, run.settings.dataset, others, promised)
    write_evaluation(evaluation, run.evaluation_folder)
    report = run.evaluation_folder / "report.html"
    recordings = recordings_of(run.test_clips)
    write_report(report, evaluation, recordings, scores.features, _context(run), tsne)
    return evaluation


def _load_truth(path: Path) -> pd.DataFrame:
    columns = {"clip_id": "str", "label": "Int64", "domain": "str"}
    return pd.read_csv(path, dtype=columns, keep_default_na=False, na_values=[""])


def _context(run: Run) -> ReportContext:
    settings = run.root.description()["settings"]
    named = {name: settings.pop(name) for name in ("method", "recipe", "dataset", "seed")}
    bad = run.folder / "bad_files.csv"
    return ReportContext(
        **named,
        values=flatten(run.config.to_dict()),
        settings=settings,
        commands=[f"asd-evaluate --run_dir={shlex.quote(str(run.folder))}"],
        bad_files=pd.read_csv(bad, dtype=str) if bad.exists() else None,
    )
