"""The evaluation of a scored table: metrics, official scores, intervals and decisions."""

import dataclasses
from collections.abc import Sequence

import pandas as pd

from asd_tf.evaluation.decisions import decision_metrics
from asd_tf.evaluation.false_alarms import false_alarm_table
from asd_tf.evaluation.intervals import Interval, score_interval
from asd_tf.evaluation.official import (
    OFFICIAL_SCORES,
    OfficialScore,
    column_means,
    formula_of,
    machine_scores,
    minimum_auc,
)
from asd_tf.evaluation.section_metrics import TERM_COLUMNS, section_metrics, select_test_clips
from asd_tf.evaluation.submission import Submission, make_submission

SUBSET_NAMES = {"dev": "development data", "eval": "evaluation data"}


@dataclasses.dataclass(frozen=True)
class OtherScore:
    """The results of another score of the same clips, such as a part of a fused detector.

    Attributes:
        official: The official score over all machines and sections.
        means: Mean of each metric of scores; see `column_means`.
    """

    official: OfficialScore
    means: dict[str, float | None]


@dataclasses.dataclass(frozen=True)
class SubsetEvaluation:
    """The results of one subset, or of both together.

    Attributes:
        sections: The table of `section_metrics`.
        official: The official score over all machines and sections.
        interval: The confidence interval of the official score.
        machines: The official score of each machine.
        means: Mean of each metric over sections; see `column_means`.
        mauc: See `minimum_auc`.
        clips: Numbers of test clips that are `scored` (have a score), `unscored` (have none) and
            `unlabeled` (have no label, with or without a score).
        decisions: See `decision_metrics`.
        false_alarms: See `false_alarm_table`.
        others: Column of the scored table to the results of the scores in it.
    """

    sections: pd.DataFrame
    official: OfficialScore
    interval: Interval
    machines: dict[str, OfficialScore]
    means: dict[str, float | None]
    mauc: float | None
    clips: dict[str, int]
    decisions: dict[str, float | int | None]
    false_alarms: pd.DataFrame
    others: dict[str, OtherScore]


@dataclasses.dataclass(frozen=True)
class Evaluation(SubsetEvaluation):
    """The results of all test clips together, and of each subset.

    Published scores are of one subset: if there are two, compare them with those in `subsets`.

    Attributes:
        scored: The scored table that was evaluated, unchanged.
        dataset: Name of the dataset, such as `dcase2022`.
        formula: Name of the formula of the official score, a key of `OFFICIAL_SCORES`.
        subsets: The results of `dev` and `eval`, if they have test clips.
        submission: The files for the official evaluator of the year.
    """

    scored: pd.DataFrame
    dataset: str
    formula: str
    subsets: dict[str, SubsetEvaluation]
    submission: Submission

    @property
    def mean(self) -> str:
        """The kind of `means`: `harmonic` or `arithmetic`."""
        return OFFICIAL_SCORES[self.formula].mean


def evaluate(
    scored: pd.DataFrame,
    dataset: str,
    others: Sequence[str] = (),
    promised: float | None = None,
) -> Evaluation:
    """Evaluates the test clips of a scored table.

    Test clips without a label or without a score are left out of the metrics, and counted. Without
    labeled test clips the official score is None.

    Args:
        scored: The scored table, in any order; rows of other splits than `test` are ignored.
        dataset: Name of the dataset, which decides the formula (see `formula_of`) and the
            submission files.
        others: Columns with other scores of the clips, evaluated in addition to `score`.
        promised: The share of normal clips that the decisions promise an alarm of at most, 0 to 1;
            None if it is not known.
    """
    formula = formula_of(dataset)
    test = scored[scored["split"] == "test"]
    subsets = {
        name: _evaluate(rows, formula, others, promised)
        for name, rows in test.groupby("subset", sort=True)
    }
    together = (
        next(iter(subsets.values()))
        if len(subsets) == 1
        else _evaluate(test, formula, others, promised)
    )
    return Evaluation(
        **vars(together),
        scored=scored,
        dataset=dataset,
        formula=formula,
        subsets=subsets,
        submission=make_submission(scored, dataset),
    )


def _evaluate(
    scored: pd.DataFrame, formula: str, others: Sequence[str], promised: float | None
) -> SubsetEvaluation:
    clips = select_test_clips(scored)
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
            "unlabeled": int(clips["label"].isna().sum()),
        },
        decisions=decision_metrics(clips),
        false_alarms=false_alarm_table(scored, promised),
        others={name: _evaluate_other(scored, name, formula) for name in others},
    )


def _evaluate_other(scored: pd.DataFrame, column: str, formula: str) -> OtherScore:
    sections = section_metrics(scored.assign(score=scored[column]))
    means = column_means(sections, formula)
    # The stored decisions belong to the detector's own score.
    means = {name: mean for name, mean in means.items() if name in TERM_COLUMNS}
    return OtherScore(OFFICIAL_SCORES[formula](sections), means)
