"""The evaluation of a trained run: scores, ground truth, metrics and the report."""

import functools
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from asd_tf.config import flatten
from asd_tf.data.ground_truth import read_ground_truth
from asd_tf.detector import Detector
from asd_tf.detector.examination import Lazily
from asd_tf.errors import UsageError
from asd_tf.evaluation.evaluate import Evaluation, evaluate, write_evaluation
from asd_tf.evaluation.official import formula_of
from asd_tf.evaluation.oracle import oracle_gamma, oracle_members, oracle_select_on_dev
from asd_tf.evaluation.report import ReportContext, write_report
from asd_tf.evaluation.runs import summarise_runs
from asd_tf.evaluation.transductive import transductive_zscore
from asd_tf.evaluation.truth import join_truth
from asd_tf.files import write_csv, write_json
from asd_tf.methods.progress import progress_over
from asd_tf.run import Run

Arrays = Mapping[str, np.ndarray]

_TRUTH = "ground_truth.csv"


class Evidence(NamedTuple):
    """What the scores of all test clips are made of; see `Examination`."""

    parts: Arrays
    members: Callable[[], Arrays]
    refitted: Callable[[], np.ndarray | None]


def add_ground_truth(run: Run, path: str | Path, own_labels: bool = False) -> None:
    """Reads labels and domains of the evaluation clips, and keeps them with the run.

    They stand beside the clips, not among them: scores are made without them.

    Args:
        run: The run.
        path: Files of an official evaluator, see `read_ground_truth`.
        own_labels: Whether they are of other data in the layout of an edition, and so are not
            compared with the official ones.

    Raises:
        InputError: If they do not fit the clips, or are not the official ones.
    """
    truth = read_ground_truth(
        path, run.test_clips, run.settings.dataset, check_digests=not own_labels
    )
    write_csv(run.folder / _TRUTH, truth)


def evaluate_run(
    run: Run, tsne: bool = False, also: Sequence[str] = ()
) -> tuple[Evaluation, list[Evaluation]]:
    """Scores the test clips of a trained run and writes its evaluation and its report.

    Args:
        run: The run.
        tsne: Whether the report's map of embeddings is computed by t-SNE, too.
        also: Names in `ALSO`, of scores to evaluate beside that of the detector.

    Returns:
        The evaluation, and those of the single runs where several were fused.

    Raises:
        UsageError: If one of these is asked for of a detector that it is not for.
    """
    if run.settings.num_runs == 1:
        return _evaluate_one(run, run.folder, tsne, also).evaluation, []
    singles = [
        _evaluate_one(Run.load(run.single_folder(index)), run.folder, tsne, also)
        for index in range(run.settings.num_runs)
    ]
    features = {
        f"run {index}: {name}": functools.partial(single.features.__getitem__, name)
        for index, single in enumerate(singles)
        for name in single.features
    }
    detector = Detector.load(run.detector_folder)
    scores = detector.fuse(np.stack([single.scores for single in singles]), run.test_clips)
    nothing = Evidence({}, dict, lambda: None)
    evaluation = _write(run, detector, scores, nothing, Lazily(features), run.folder, tsne, ())
    evaluations = [single.evaluation for single in singles]
    write_json(run.evaluation_folder / "runs.json", summarise_runs(evaluations))
    return evaluation, evaluations


class _Evaluated(NamedTuple):
    """A run that is evaluated, and the scores and features of its test clips."""

    evaluation: Evaluation
    scores: np.ndarray
    features: Arrays


def _evaluate_one(run: Run, truth_folder: Path, tsne: bool, also: Sequence[str]) -> _Evaluated:
    """Evaluates a run of one detector, from stored embeddings where they fit."""
    detector, clips = Detector.load(run.detector_folder), run.test_clips
    known = detector.is_known(clips)
    with progress_over(int(known.sum()), "score") as progress:
        found = detector.examine(clips[known].reset_index(drop=True), progress, run.embeddings)

    def everywhere(values: np.ndarray) -> np.ndarray:
        """Puts the values of known clips at their places among all, NaN elsewhere."""
        spread = np.full((len(known), *values.shape[1:]), np.nan, values.dtype)
        spread[known] = values
        return spread

    def all_everywhere(arrays: Arrays) -> dict[str, np.ndarray]:
        return {name: everywhere(values) for name, values in arrays.items()}

    def refitted() -> np.ndarray | None:
        values = found.refitted()
        return None if values is None else everywhere(values)

    scores = everywhere(found.scores)
    features = Lazily(
        {name: lambda name=name: everywhere(found.features[name]) for name in found.features}
    )
    evidence = Evidence(
        all_everywhere(found.parts), lambda: all_everywhere(found.members()), refitted
    )
    evaluation = _write(run, detector, scores, evidence, features, truth_folder, tsne, also)
    return _Evaluated(evaluation, scores, features)


def _write(
    run: Run,
    detector: Detector,
    scores: np.ndarray,
    evidence: Evidence,
    features: Arrays,
    truth_folder: Path,
    tsne: bool,
    also: Sequence[str],
) -> Evaluation:
    scored = detector.with_decisions(run.test_clips, scores).assign(**evidence.parts)
    if (truth_folder / _TRUTH).exists():
        scored = join_truth(scored, _load_truth(truth_folder / _TRUTH))
    others = list(evidence.parts)
    for name in also:
        scored = ALSO[name](scored, evidence, run.settings.dataset)
        others.append(name)
    evaluation = evaluate(scored, run.settings.dataset, others)
    write_evaluation(evaluation, run.evaluation_folder)
    report = run.evaluation_folder / "report.html"
    write_report(report, evaluation, run.test_clips, features, _context(run), tsne)
    return evaluation


def _add_oracle_gamma(scored: pd.DataFrame, evidence: Evidence, dataset: str) -> pd.DataFrame:
    if len(evidence.parts) != 2:
        raise UsageError(
            "oracle_gamma weighs two parts, and this detector has "
            f"{len(evidence.parts) or 'one score'}: it is for runs of geco and others that add "
            "two scores"
        )
    found = oracle_gamma(scored, *evidence.parts, formula_of(dataset))
    return scored.assign(oracle_gamma=found.scores, oracle_gamma_weight=found.weights)


def _add_zscore(scored: pd.DataFrame, evidence: Evidence, dataset: str) -> pd.DataFrame:
    members = evidence.members()
    if len(members) < 2:
        raise UsageError(
            "transductive_zscore takes the smallest of several members of a backend, such as one "
            "for each domain, and this detector has one"
        )
    return scored.assign(transductive_zscore=transductive_zscore(scored, members))


def _add_select_on_dev(scored: pd.DataFrame, evidence: Evidence, dataset: str) -> pd.DataFrame:
    if len(evidence.parts) < 2:
        raise UsageError(
            "oracle_select_on_dev chooses one of several parts, and this detector has one score: "
            "it is for runs whose detector is fused, and for those of geco and others that add "
            "two scores"
        )
    found = oracle_select_on_dev(scored, list(evidence.parts))
    return scored.assign(oracle_select_on_dev=found.scores, oracle_select_on_dev_part=found.parts)


def _add_members(scored: pd.DataFrame, evidence: Evidence, dataset: str) -> pd.DataFrame:
    if len(evidence.parts) < 3:
        raise UsageError(
            "oracle_members averages the best 3 or more parts, and this detector has "
            f"{len(evidence.parts) or 'one score'}: it is for runs whose detector is fused of 3 "
            "or more"
        )
    found = oracle_members(scored, list(evidence.parts))
    return scored.assign(oracle_members=found.scores, oracle_members_parts=found.parts)


def _add_distance(scored: pd.DataFrame, evidence: Evidence, dataset: str) -> pd.DataFrame:
    scores = evidence.refitted()
    if scores is None:
        raise UsageError(
            "transductive_distance standardises the distances of the backend PosteriorDistance "
            "over the test clips, and this detector has no such backend"
        )
    return scored.assign(transductive_distance=scores)


ALSO: Mapping[str, Callable[[pd.DataFrame, Evidence, str], pd.DataFrame]] = MappingProxyType(
    {
        "oracle_gamma": _add_oracle_gamma,
        "oracle_members": _add_members,
        "oracle_select_on_dev": _add_select_on_dev,
        "transductive_distance": _add_distance,
        "transductive_zscore": _add_zscore,
    }
)
"""Scores that are made with labels, or with all test clips at once, by name."""


def _load_truth(path: Path) -> pd.DataFrame:
    columns = {"clip_id": "str", "label": "Int64", "domain": "str"}
    return pd.read_csv(path, dtype=columns, keep_default_na=False, na_values=[""])


def _context(run: Run) -> ReportContext:
    settings = run.description()["settings"]
    named = {name: settings.pop(name) for name in ("method", "recipe", "dataset", "seed")}
    bad = run.folder / "bad_files.csv"
    return ReportContext(
        **named,
        values=flatten(run.config.to_dict()),
        settings=settings,
        commands=[f"asd-evaluate --run_dir={shlex.quote(str(run.folder))}"],
        bad_files=pd.read_csv(bad, dtype=str) if bad.exists() else None,
    )
