"""From a scored table to everything that is said of it, and to the files that say it."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from asd_tf.evaluation.decisions import decision_metrics
from asd_tf.evaluation.intervals import Interval, score_interval
from asd_tf.evaluation.official import (
    OFFICIAL_SCORES,
    OfficialScore,
    column_means,
    formula_of,
    machine_scores,
    minimum_auc,
)
from asd_tf.evaluation.pictures import roc_picture, score_picture
from asd_tf.evaluation.sections import TERM_COLUMNS, section_metrics, tested_clips
from asd_tf.evaluation.submission import Submission, make_submission, write_submission
from asd_tf.files import atomic_path, write_csv, write_json


@dataclasses.dataclass(frozen=True)
class OtherScore:
    """What other scores of the same clips are worth, such as those of a part of a fused detector.

    Attributes:
        official: The official score over all machines and sections.
        means: Mean of each metric; see `column_means`.
    """

    official: OfficialScore
    means: dict[str, float | None]


@dataclasses.dataclass(frozen=True)
class SubsetEvaluation:
    """What an evaluation found in a subset, or in all of them together.

    Attributes:
        sections: The table of `section_metrics`.
        official: The official score over all machines and sections.
        interval: How far that depends on the choice of clips.
        machines: The official score of each machine.
        means: Mean of each metric, of the kind that the formula takes; see `column_means`.
        mauc: Mean over machines of the lowest AUC of a section, as papers on DCASE 2020 print it.
        clips: Test clips `scored` (with a score), `unscored` (without) and `unlabelled` (without a
            label, whether they have a score or not).
        decisions: See `decision_metrics`.
        others: Column of the scored table to what the scores in it are worth.
    """

    sections: pd.DataFrame
    official: OfficialScore
    interval: Interval
    machines: dict[str, OfficialScore]
    means: dict[str, float | None]
    mauc: float | None
    clips: dict[str, int]
    decisions: dict[str, float | int | None]
    others: dict[str, OtherScore]


@dataclasses.dataclass(frozen=True)
class Evaluation(SubsetEvaluation):
    """What an evaluation found in all subsets together, and in each of them.

    Published scores are of one subset; where there are two, those in `subsets` are to be compared.

    Attributes:
        scored: The scored table that was evaluated, as it came.
        dataset: Name of the dataset, such as `dcase2022`.
        formula: Name of the formula of the official score, a key of `OFFICIAL_SCORES`.
        subsets: `dev` and `eval`, those that have test clips.
        submission: The files for the official evaluator of the year.
    """

    scored: pd.DataFrame
    dataset: str
    formula: str
    subsets: dict[str, SubsetEvaluation]
    submission: Submission

    @property
    def mean(self) -> str:
        """What kind `means` are of: `harmonic` or `arithmetic`."""
        return OFFICIAL_SCORES[self.formula].mean


def evaluate(scored: pd.DataFrame, dataset: str, others: Sequence[str] = ()) -> Evaluation:
    """Evaluates the test clips of a scored table.

    Only clips of the test split count. Those without a label or without a score are left out of
    the metrics and counted. Without any labelled test clip the official score is None.

    Args:
        scored: The scored table, in any order.
        dataset: Name of the dataset; a dataset that has no formula of its own is scored by that of
            DCASE 2022 over the terms that exist.
        others: Columns of the table with other scores of the clips, to be evaluated beside `score`.
    """
    formula = formula_of(dataset)
    test = scored[scored["split"] == "test"]
    subsets = {
        name: _measure(rows, formula, others) for name, rows in test.groupby("subset", sort=True)
    }
    together = (
        next(iter(subsets.values())) if len(subsets) == 1 else _measure(test, formula, others)
    )
    return Evaluation(
        **vars(together),
        scored=scored,
        dataset=dataset,
        formula=formula,
        subsets=subsets,
        submission=make_submission(scored, dataset),
    )


def _measure(scored: pd.DataFrame, formula: str, others: Sequence[str]) -> SubsetEvaluation:
    clips = tested_clips(scored)
    sections = section_metrics(scored)
    compute = OFFICIAL_SCORES[formula]
    return SubsetEvaluation(
        sections=sections,
        official=compute(sections),
        interval=score_interval(scored, sections, compute),
        machines=machine_scores(sections, formula),
        means=column_means(sections, formula),
        mauc=minimum_auc(sections),
        clips={
            "scored": int(clips["score"].notna().sum()),
            "unscored": int(clips["score"].isna().sum()),
            "unlabelled": int(clips["label"].isna().sum()),
        },
        decisions=decision_metrics(clips),
        others={name: _measure_other(scored, name, formula) for name in others},
    )


def _measure_other(scored: pd.DataFrame, column: str, formula: str) -> OtherScore:
    sections = section_metrics(scored.assign(score=scored[column]))
    # The stored decisions are of the score proper.
    means = column_means(sections, formula)
    means = {name: value for name, value in means.items() if name in TERM_COLUMNS}
    return OtherScore(OFFICIAL_SCORES[formula](sections), means)


def write_evaluation(
    evaluation: Evaluation, folder: str | os.PathLike, pictures: bool = True
) -> None:
    """Writes scores.csv, metrics.csv, metrics.json, submission/ and the pictures, each whole.

    Pictures and submission files that an earlier evaluation left and that this one does not have
    are removed, since they would show other scores than the tables beside them.

    Args:
        evaluation: What to write.
        folder: Made if needed.
        pictures: Whether to draw scores.png, and roc.png where a section has both classes.
    """
    folder = Path(folder)
    write_csv(folder / "scores.csv", evaluation.scored)
    write_csv(folder / "metrics.csv", evaluation.sections)
    write_json(folder / "metrics.json", _as_json(evaluation))
    write_submission(evaluation.submission, folder / "submission")
    figures = {"roc.png": roc_picture, "scores.png": score_picture}
    for name, draw in figures.items():
        figure = draw(evaluation.scored, evaluation.sections) if pictures else None
        if figure is None:
            (folder / name).unlink(missing_ok=True)
            continue
        with atomic_path(folder / name) as temporary:
            figure.savefig(temporary)


def _as_json(evaluation: Evaluation) -> dict:
    return {
        **_part_as_json(evaluation),
        "dataset": evaluation.dataset,
        "formula": evaluation.formula,
        "mean": evaluation.mean,
        "subsets": {name: _part_as_json(part) for name, part in evaluation.subsets.items()},
        "submission": {
            "files": sorted(evaluation.submission.files),
            "left_out": evaluation.submission.left_out,
        },
    }


def _part_as_json(part: SubsetEvaluation) -> dict:
    interval = part.interval
    return {
        **_score_as_json(part.official),
        "confidence_interval": None if interval.reason else [interval.low, interval.high],
        "no_confidence_interval_because": interval.reason,
        "evaluator_ci95": interval.evaluator_ci95,
        "mauc": part.mauc,
        "means": part.means,
        "machines": {name: _score_as_json(score) for name, score in part.machines.items()},
        "clips": part.clips,
        "decisions": part.decisions,
        "others": {
            name: {**_score_as_json(other.official), "means": other.means}
            for name, other in part.others.items()
        },
    }


def _score_as_json(official: OfficialScore) -> dict:
    terms = {"used": official.used, "expected": official.expected}
    return {"official_score": official.score, "terms": terms}
