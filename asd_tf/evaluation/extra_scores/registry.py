"""The extra scores by name: what each needs of a detector, and the columns that it adds."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from asd_tf.errors import UsageError
from asd_tf.evaluation.extra_scores.oracle import (
    oracle_best_parts,
    oracle_gamma,
    oracle_select_on_dev,
)
from asd_tf.evaluation.extra_scores.transductive import transductive_zscore
from asd_tf.evaluation.official import formula_of


class ScoreDetails(Protocol):
    """What the anomaly scores of the clips of a scored table are made of.

    Every array has the shape [clips], in the order of the table, with NaN where a clip has no
    score.

    Attributes:
        parts: Name of a part to its scores. A part is a scorer of a detector that combines several,
            a detector that is fused with others, or one of several runs. Empty for a single score.
        members: Computes the scores of each member of the backend by name, such as one for each
            domain; empty where there are none.
        transductive: Computes the scores with distances standardized over the test clips; None
            where the detector has no such distances.
    """

    parts: Mapping[str, np.ndarray]
    members: Callable[[], Mapping[str, np.ndarray]]
    transductive: Callable[[], np.ndarray | None]


class ExtraScore(NamedTuple):
    """A score that needs test labels, or all test clips at once: for evaluation only.

    Attributes:
        name: The column that it is added as.
        description: One line for the help of the command line.
        add: From a scored table with a column for each part, the details of its scores, and the
            name of the dataset to the table with the columns of the extra score.
    """

    name: str
    description: str
    add: Callable[[pd.DataFrame, ScoreDetails, str], pd.DataFrame]


def add_extra_score(
    name: str, scored: pd.DataFrame, scores: ScoreDetails, dataset: str
) -> pd.DataFrame:
    """Adds an extra score to a scored table.

    Args:
        name: A key of `EXTRA_SCORES`.
        scored: The scored table, with a column for each part.
        scores: What the scores of its clips are made of.
        dataset: Name of the dataset, such as `dcase2022`.

    Returns:
        The table with the column `name`, and one for what was chosen where something was.

    Raises:
        UsageError: If the extra score does not exist for this detector.
    """
    return EXTRA_SCORES[name].add(scored, scores, dataset)


def _add_oracle_gamma(scored: pd.DataFrame, scores: ScoreDetails, dataset: str) -> pd.DataFrame:
    _require(
        len(scores.parts) == 2,
        f"oracle_gamma weights the second of exactly two parts, but {_parts_of(scores)}. "
        "Use it for a single run of geco or of another method that adds two scores, for two fused "
        "detectors, or for --num_runs=2",
    )
    weighted = oracle_gamma(scored, *scores.parts, formula_of(dataset))
    return scored.assign(oracle_gamma=weighted.scores, oracle_gamma_weight=weighted.weights)


def _add_select_on_dev(scored: pd.DataFrame, scores: ScoreDetails, dataset: str) -> pd.DataFrame:
    _require(
        len(scores.parts) >= 2,
        f"oracle_select_on_dev selects among two or more parts, but {_parts_of(scores)}. Use it "
        "for fused detectors, for several runs (--num_runs=2 or more), or for methods that add "
        "several scores, such as geco",
    )
    chosen = oracle_select_on_dev(scored, list(scores.parts))
    return scored.assign(oracle_select_on_dev=chosen.scores, oracle_select_on_dev_part=chosen.parts)


def _add_best_parts(scored: pd.DataFrame, scores: ScoreDetails, dataset: str) -> pd.DataFrame:
    _require(
        len(scores.parts) >= 3,
        f"oracle_best_parts averages three or more parts, but {_parts_of(scores)}. Use it for "
        "three or more fused detectors, or for several runs (--num_runs=3 or more)",
    )
    chosen = oracle_best_parts(scored, list(scores.parts))
    return scored.assign(oracle_best_parts=chosen.scores, oracle_best_parts_names=chosen.parts)


def _add_distance(scored: pd.DataFrame, scores: ScoreDetails, dataset: str) -> pd.DataFrame:
    standardized = scores.transductive()
    _require(
        standardized is not None,
        "transductive_distance standardizes the distances of the backend PosteriorDistance over "
        "the test clips, but this detector does not have that backend",
    )
    return scored.assign(transductive_distance=standardized)


def _add_zscore(scored: pd.DataFrame, scores: ScoreDetails, dataset: str) -> pd.DataFrame:
    members = scores.members()
    _require(
        len(members) >= 2,
        "transductive_zscore takes the smallest score of two or more members of a backend, but "
        f"this detector has {len(members) or 'none'}. Use it for a single run whose backend has a "
        "member for each domain (PerDomain); fused detectors and several runs together have none",
    )
    return scored.assign(transductive_zscore=transductive_zscore(scored, members))


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)


def _parts_of(scores: ScoreDetails) -> str:
    count = len(scores.parts)
    return f"this detector has {count}" if count else "this detector has a single score"


EXTRA_SCORES: Mapping[str, ExtraScore] = MappingProxyType(
    {
        extra.name: extra
        for extra in (
            ExtraScore(
                "oracle_gamma",
                "two parts added with the weight that is best on the labels of each machine",
                _add_oracle_gamma,
            ),
            ExtraScore(
                "oracle_select_on_dev",
                "the part that is best on the labeled dev clips of each machine and domain",
                _add_select_on_dev,
            ),
            ExtraScore(
                "oracle_best_parts",
                "the mean of the 3, 5, 10 or 20 parts that are best on the labeled dev clips of "
                "each machine and domain",
                _add_best_parts,
            ),
            ExtraScore(
                "transductive_distance",
                "the distances of PosteriorDistance standardized over all test clips",
                _add_distance,
            ),
            ExtraScore(
                "transductive_zscore",
                "the scores of each domain standardized over all test clips",
                _add_zscore,
            ),
        )
    }
)
"""The extra scores by name."""
