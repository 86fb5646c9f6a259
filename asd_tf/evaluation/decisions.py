"""How good the stored decisions are, as apart from the scores that they were made of."""

import numpy as np
import pandas as pd

_NAN = float("nan")


def precision_recall_f1(anomalous: np.ndarray, decisions: np.ndarray) -> dict[str, float]:
    """Compares decisions with labels, as the official evaluators since DCASE 2021 do.

    Where there are anomalous clips but no alarm, precision and F1 are 0, as in those evaluators.
    They cannot be asked about clips without anomalous ones, of which there is no recall and no F1.

    Args:
        anomalous: [clips], boolean.
        decisions: [clips], 1 for an alarm and 0 for none; NaN is left out.

    Returns:
        `precision`, `recall` and `f1` in 0..1, NaN where undefined.
    """
    decided = ~np.isnan(decisions)
    anomalous, alarm = anomalous[decided], decisions[decided] == 1
    hits, anomalies, alarms = (int(np.sum(of)) for of in (anomalous & alarm, anomalous, alarm))
    if not anomalies:
        return {"precision": 0.0 if alarms else _NAN, "recall": _NAN, "f1": _NAN}
    return {
        "precision": hits / alarms if alarms else 0.0,
        "recall": hits / anomalies,
        "f1": 2 * hits / (alarms + anomalies),
    }


def decision_metrics(clips: pd.DataFrame) -> dict[str, float | int | None]:
    """Compares decisions with labels, over the clips that have both.

    Args:
        clips: The table of `tested_clips`; `decision` is 0, 1 or missing.

    Returns:
        `clips` is how many clips were compared. In 0..1, or None where undefined:
        `false_alarm_rate` (normal clips called anomalous), `hit_rate` and its other name `recall`
        (anomalous clips called anomalous), `precision` and `f1`; see `precision_recall_f1`.
    """
    decisions = clips["decision"].astype("Int64").to_numpy(np.float64, na_value=np.nan)
    labels = clips["label"].to_numpy()
    has_both = ~np.isnan(decisions) & ~np.isnan(labels)
    anomalous, decisions = labels[has_both] == 1, decisions[has_both]
    false_alarm_rate = float(np.mean(decisions[~anomalous])) if np.any(~anomalous) else _NAN
    found = precision_recall_f1(anomalous, decisions)
    rates = {"false_alarm_rate": false_alarm_rate, "hit_rate": found["recall"], **found}
    return {
        "clips": int(np.sum(has_both)),
        **{name: None if np.isnan(rate) else rate for name, rate in rates.items()},
    }
