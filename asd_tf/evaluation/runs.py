"""Mean and spread of several runs of one experiment."""

from collections.abc import Sequence

import numpy as np

from asd_tf.evaluation.evaluate import Evaluation, SubsetEvaluation

Summary = dict[str, float | list[float | None] | None]
"""`mean` and `sd` (None where they do not exist) and `each` value in the order of the runs."""


def summarise_runs(evaluations: Sequence[Evaluation]) -> dict:
    """Summarises runs that differ in their seed.

    Args:
        evaluations: The single runs, at least one, of the same dataset.

    Returns:
        `runs` (how many), `mean` (the kind of the means), `official_score`, `mauc`, `means` (by
        column), `machines` (official score by machine), `others` (official score by column), and
        `subsets`, by name the latter five of each; each leaf is {`mean`, `sd`, `each`} of values in
        0..1. `sd` is that of a sample (divided by runs - 1), None for a single run. The result can
        be written as JSON.
    """
    return {
        "runs": len(evaluations),
        "mean": evaluations[0].mean,
        **_summarise(evaluations),
        "subsets": {
            name: _summarise([one.subsets[name] for one in evaluations])
            for name in evaluations[0].subsets
        },
    }


def _summarise(parts: Sequence[SubsetEvaluation]) -> dict:
    machines = sorted({machine for part in parts for machine in part.machines})
    return {
        "official_score": _summary([part.official.score for part in parts]),
        "mauc": _summary([part.mauc for part in parts]),
        "means": {
            column: _summary([part.means[column] for part in parts]) for column in parts[0].means
        },
        "machines": {
            machine: _summary(
                [
                    part.machines[machine].score if machine in part.machines else None
                    for part in parts
                ]
            )
            for machine in machines
        },
        "others": {
            name: _summary([part.others[name].official.score for part in parts])
            for name in parts[0].others
        },
    }


def _summary(each: list[float | None]) -> Summary:
    values = [value for value in each if value is not None]
    return {
        "mean": float(np.mean(values)) if values else None,
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "each": each,
    }
