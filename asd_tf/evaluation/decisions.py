"""Precision, recall, F1 and false alarm rate of the stored decisions."""

import numpy as np
import pandas as pd

_NAN = float("nan")


def precision_recall_f1(anomalous: np.ndarray, decisions: np.ndarray) -> dict[str, float]:
    """Compares decisions with labels, as the official evaluators since DCASE 2021 do.

    If there are anomalous clips but no alarms, precision and F1 are 0, as in those evaluators.
    Without anomalous clips, recall and F1 are undefined.

    Args:
        anomalous: [clips], bool.
        decisions: [clips], 1 for an alarm and 0 for none; clips with NaN are left out.

    Returns:
        `precision`, `recall` and `f1` in 0..1, NaN where undefined.
    """
    decided = ~np.isnan(decisions)
    anomalous, alarm = anomalous[decided], decisions[decided] == 1
    hits, anomalies, alarms = (
        int(np.sum(clips)) for clips in (anomalous & alarm, anomalous, alarm)
    )
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
        clips: The table of `select_test_clips`; `decision` is 0, 1 or missing.

    Returns:
        `clips`, the number of clips compared, and these rates in 0..1, None where undefined:
        `false_alarm_rate` (share of normal clips with an alarm), `hit_rate` and `recall` (both the
        share of anomalous clips with an alarm), `precision` and `f1`; see `precision_recall_f1`.
    """
    decisions = clips["decision"].astype("Int64").to_numpy(np.float64, na_value=np.nan)
    labels = clips["label"].to_numpy()
    has_both = ~np.isnan(decisions) & ~np.isnan(labels)
    anomalous, decisions = labels[has_both] == 1, decisions[has_both]
    false_alarm_rate = float(np.mean(decisions[~anomalous])) if np.any(~anomalous) else _NAN
    pooled = precision_recall_f1(anomalous, decisions)
    rates = {"false_alarm_rate": false_alarm_rate, "hit_rate": pooled["recall"], **pooled}
    return {
        "clips": int(np.sum(has_both)),
        **{name: None if np.isnan(rate) else rate for name, rate in rates.items()},
    }
