"""The files of an evaluation: tables, metrics, submission and plots."""

import os
from pathlib import Path

from asd_tf.evaluation.official import OfficialScore
from asd_tf.evaluation.plots import reliability_plot, roc_plot, score_plot
from asd_tf.evaluation.results import Evaluation, SubsetEvaluation
from asd_tf.evaluation.submission import write_submission
from asd_tf.files import atomic_path, write_csv, write_json


def write_evaluation(evaluation: Evaluation, folder: str | os.PathLike, plots: bool = True) -> None:
    """Writes scores.csv, metrics.csv, metrics.json, submission/ and the plots, each atomically.

    Plots and submission files of an earlier evaluation that this one lacks are removed, since they
    would not match the tables.

    Args:
        evaluation: What to write.
        folder: Where to write; created if needed.
        plots: Whether to draw scores.png, roc.png if a section has both classes, and
            reliability.png if normal clips have p-values.
    """
    folder = Path(folder)
    write_csv(folder / "scores.csv", evaluation.scored, defuse=True)
    write_csv(folder / "metrics.csv", evaluation.sections, defuse=True)
    write_json(folder / "metrics.json", _as_json(evaluation))
    write_submission(evaluation.submission, folder / "submission")
    figures = {"roc.png": roc_plot, "scores.png": score_plot, "reliability.png": reliability_plot}
    for name, draw in figures.items():
        figure = draw(evaluation.scored, evaluation.sections) if plots else None
        if figure is None:
            (folder / name).unlink(missing_ok=True)
            continue
        with atomic_path(folder / name) as temporary:
            figure.savefig(temporary)


def _as_json(evaluation: Evaluation) -> dict:
    return {
        **_subset_as_json(evaluation),
        "dataset": evaluation.dataset,
        "formula": evaluation.formula,
        "mean": evaluation.mean,
        "subsets": {name: _subset_as_json(subset) for name, subset in evaluation.subsets.items()},
        "submission": {
            "files": sorted(evaluation.submission.files),
            "left_out": evaluation.submission.left_out,
        },
    }


def _subset_as_json(subset: SubsetEvaluation) -> dict:
    interval = subset.interval
    return {
        **_score_as_json(subset.official),
        "confidence_interval": None if interval.reason else [interval.low, interval.high],
        "no_confidence_interval_because": interval.reason,
        "evaluator_ci95": interval.evaluator_ci95,
        "mauc": subset.mauc,
        "means": subset.means,
        "machines": {name: _score_as_json(score) for name, score in subset.machines.items()},
        "clips": subset.clips,
        "decisions": subset.decisions,
        "false_alarms": subset.false_alarms.to_dict("records"),
        "others": {
            name: {**_score_as_json(other.official), "means": other.means}
            for name, other in subset.others.items()
        },
    }


def _score_as_json(official: OfficialScore) -> dict:
    terms = {"used": official.used, "expected": official.expected}
    return {"official_score": official.score, "terms": terms}
