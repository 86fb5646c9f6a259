"""Mean and standard deviation over several runs of one configuration."""

from collections.abc import Sequence

import numpy as np

from asd_tf.evaluation.results import Evaluation, SubsetEvaluation

Summary = dict[str, float | list[float | None] | None]
"""`mean` and `std` (None if undefined), and `each`: the values in the order of the runs."""


def summarize_runs(evaluations: Sequence[Evaluation]) -> dict:
    """Summarizes runs that differ in their seed.

    Args:
        evaluations: The single runs on the same dataset, at least one.

    Returns:
        A dictionary that can be written as JSON: `runs` (their number), `mean` (the kind of the
        means), `official_score`, `mauc`, `means` (by column), `machines` (official score by
        machine), `others` (official score by column), and `subsets`, which has the last five of
        these for each subset. Each leaf is a `Summary` of values in 0..1; `std` is the sample
        standard deviation (divided by runs - 1), None for a single run.
    """
    return {
        "runs": len(evaluations),
        "mean": evaluations[0].mean,
        **_summarize(evaluations),
        "subsets": {
            name: _summarize([evaluation.subsets[name] for evaluation in evaluations])
            for name in evaluations[0].subsets
        },
    }


def _summarize(runs: Sequence[SubsetEvaluation]) -> dict:
    machines = sorted({machine for run in runs for machine in run.machines})
    return {
        "official_score": _summary([run.official.score for run in runs]),
        "mauc": _summary([run.mauc for run in runs]),
        "means": {
            column: _summary([run.means[column] for run in runs]) for column in runs[0].means
        },
        "machines": {
            machine: _summary(
                [run.machines[machine].score if machine in run.machines else None for run in runs]
            )
            for machine in machines
        },
        "others": {
            name: _summary([run.others[name].official.score for run in runs])
            for name in runs[0].others
        },
    }


def _summary(each: list[float | None]) -> Summary:
    values = [value for value in each if value is not None]
    return {
        "mean": float(np.mean(values)) if values else None,
        "std": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "each": each,
    }
