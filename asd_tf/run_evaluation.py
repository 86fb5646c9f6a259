"""The evaluation of a trained run: scores, ground truth, metrics and the report."""

import itertools
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from asd_tf.config import flatten
from asd_tf.data.ground_truth import read_ground_truth
from asd_tf.detector import ClipFeatures, Detector, Examined
from asd_tf.errors import UsageError
from asd_tf.evaluation.evaluate import Evaluation, evaluate, write_evaluation
from asd_tf.evaluation.official import formula_of
from asd_tf.evaluation.oracle import oracle_gamma
from asd_tf.evaluation.report import ReportContext, write_report
from asd_tf.evaluation.runs import summarise_runs
from asd_tf.evaluation.transductive import transductive_zscore
from asd_tf.evaluation.truth import join_truth
from asd_tf.files import write_csv, write_json
from asd_tf.methods.progress import progress_over
from asd_tf.run import Run

_TRUTH = "ground_truth.csv"

# Extractors that the report has a map of: more would make a page that no browser likes.
_MOST_MAPS = 16


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
    detector = Detector.load(run.detector_folder)
    if run.settings.num_runs == 1:
        return _write(run, detector, _examined(run, detector), run.folder, tsne, also), []
    singles, found = [], {}
    for index in range(run.settings.num_runs):
        single = Run.load(run.single_folder(index))
        part = Detector.load(single.detector_folder)
        found[f"run {index}"] = _examined(single, part)
        singles.append(_write(single, part, found[f"run {index}"], run.folder, tsne, also))
    scores = detector.fuse(np.stack([one.scores for one in found.values()]), run.test_clips)
    features = {
        f"{name}: {extractor}": values
        for name, one in found.items()
        for extractor, values in one.features.items()
    }
    # The single runs stand beside it already.
    fused = Examined(scores, {}, features=features)
    evaluation = _write(run, detector, fused, run.folder, tsne, ())
    write_json(run.evaluation_folder / "runs.json", summarise_runs(singles))
    return evaluation, singles


def _examined(run: Run, detector: Detector) -> Examined:
    """Scores the test clips, from stored embeddings where they fit; NaN where it knows none."""
    clips = run.test_clips
    known = detector.is_known(clips)
    rows = np.flatnonzero(known)
    with progress_over(len(clips), "score") as progress:
        found = detector.examine(clips[known].reset_index(drop=True), progress, run.embeddings)
        progress(int(np.sum(~known)))

    def refitted() -> np.ndarray | None:
        scores = found.refitted()
        return None if scores is None else _spread({"": scores}, known)[""]

    return Examined(
        _spread({"": found.scores}, known)[""],
        found.items,
        _spread(found.parts, known),
        {
            name: ClipFeatures(one.values, rows[one.rows], one.places)
            for name, one in found.features.items()
        },
        members=lambda: _spread(found.members(), known),
        refitted=refitted,
    )


def _spread(scores: Mapping[str, np.ndarray], known: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the scores of the known clips at their places among all [clips], else NaN."""
    spread = {name: np.full(len(known), np.nan) for name in scores}
    for name, values in scores.items():
        spread[name][known] = values
    return spread


def _write(
    run: Run,
    detector: Detector,
    found: Examined,
    truth_folder: Path,
    tsne: bool,
    also: Sequence[str],
) -> Evaluation:
    scored = detector.with_decisions(run.test_clips, found.scores).assign(**found.parts)
    if (truth_folder / _TRUTH).exists():
        scored = join_truth(scored, _load_truth(truth_folder / _TRUTH))
    others = list(found.parts)
    for name in also:
        scored = ALSO[name](scored, found, run.settings.dataset)
        others.append(name)
    evaluation = evaluate(scored, run.settings.dataset, others)
    write_evaluation(evaluation, run.evaluation_folder)
    report = run.evaluation_folder / "report.html"
    means = {
        name: values.clip_means(len(scored))
        for name, values in itertools.islice(found.features.items(), _MOST_MAPS)
    }
    write_report(report, evaluation, run.test_clips, means, _context(run), tsne)
    return evaluation


def _add_oracle_gamma(scored: pd.DataFrame, found: Examined, dataset: str) -> pd.DataFrame:
    if len(found.parts) != 2:
        raise UsageError(
            "oracle_gamma weighs two parts, and this detector has "
            f"{len(found.parts) or 'one score'}: it is for runs of geco and others that add "
            "two scores"
        )
    found = oracle_gamma(scored, *found.parts, formula_of(dataset))
    return scored.assign(oracle_gamma=found.scores, oracle_gamma_weight=found.weights)


def _add_zscore(scored: pd.DataFrame, found: Examined, dataset: str) -> pd.DataFrame:
    members = found.members()
    if len(members) < 2:
        raise UsageError(
            "transductive_zscore takes the smallest of several members of a backend, such as one "
            "for each domain, and this detector has one"
        )
    return scored.assign(transductive_zscore=transductive_zscore(scored, members))


ALSO: Mapping[str, Callable[[pd.DataFrame, Examined, str], pd.DataFrame]] = MappingProxyType(
    {"oracle_gamma": _add_oracle_gamma, "transductive_zscore": _add_zscore}
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
