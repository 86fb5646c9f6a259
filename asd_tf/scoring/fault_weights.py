"""Weights of the parts of a fusion: how well each tells pseudo-faults from normal clips."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from asd_tf.scoring.fusion import FittedFusion, Fusion

# AUC above chance that every part is granted, so that none is left out altogether.
_LEAST = 0.001


def fault_aucs(
    normals: pd.DataFrame, faults: pd.DataFrame, parts: Sequence[str]
) -> dict[str, list[float | None]]:
    """Returns how well parts tell pseudo-faults from normal clips, for each machine.

    Scores are standardized within machine and section by those of the normal clips.

    Args:
        normals: Scores of normal clips that the parts have not seen: the columns machine and
            section, and one for each part.
        faults: The same of pseudo-faults.
        parts: Names of the parts.

    Returns:
        Machine to the AUC of each part, 0 to 1; None if it lacks finite scores of either kind.
    """
    standard = {part: _standardized(normals, faults, part) for part in parts}
    machines = sorted(normals["machine"].unique())
    return {
        machine: [_auc(*(scores[machine] for scores in standard[part])) for part in parts]
        for machine in machines
    }


def fault_weights(aucs: Sequence[float | None]) -> tuple[float, ...]:
    """Returns the weights of the parts for a machine: sqrt(max(A - 0.5, 0.001) / largest A - 0.5).

    Args:
        aucs: The AUC of each part.

    Returns:
        Weights from above 0 to 1; those of the best part are 1. All are 1 where an AUC is not
        known.
    """
    if any(auc is None for auc in aucs):
        return (1.0,) * len(aucs)
    above = np.maximum(np.array(aucs, float) - 0.5, _LEAST)
    return tuple(np.sqrt(above / above.max()).tolist())


def _standardized(
    normals: pd.DataFrame, faults: pd.DataFrame, part: str
) -> tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]:
    """Returns machine to the standardized scores of its normal clips, and of its faults."""
    standardize = FittedFusion(Fusion("sum"), normals, [part])
    found = []
    for table in (normals, faults):
        groups = zip(table["machine"], table["section"], strict=True)
        scores = standardize(table[part].to_numpy(float)[np.newaxis], groups)
        machines = table["machine"].to_numpy(object)
        found.append({name: scores[machines == name] for name in normals["machine"].unique()})
    return found[0], found[1]


def _auc(normal: np.ndarray, fault: np.ndarray) -> float | None:
    normal, fault = normal[np.isfinite(normal)], fault[np.isfinite(fault)]
    if not len(normal) or not len(fault):
        return None
    labels = np.repeat([0, 1], [len(normal), len(fault)])
    return float(roc_auc_score(labels, np.concatenate([normal, fault])))
