"""The flags of `asd-score` that say how many false alarms there may be."""

import math
import sys
from typing import TYPE_CHECKING

from absl import flags

from asd_tf.errors import UsageError
from asd_tf.scoring.promises import FALSE_ALARMS

if TYPE_CHECKING:
    from asd_tf.detector import Detector

_SECONDS_PER_DAY = 86400
_EXCLUSIVE = ("false_alarms", "false_alarms_per_day", "fdr")


def define_alarm_flags(values: flags.FlagValues) -> None:
    """Defines the flags; without them the thresholds are those that the detector came with."""
    flags.DEFINE_float(
        "false_alarms",
        None,
        "Share of unseen normal clips that may raise an alarm, in place of that of the training.",
        lower_bound=FALSE_ALARMS[0],
        upper_bound=FALSE_ALARMS[1],
        flag_values=values,
    )
    flags.DEFINE_float(
        "false_alarms_per_day",
        None,
        "The same as a number a day, of each machine that is normal; needs --per_day, but for "
        "--per=window of a detector with windows, which is taken to hear the machine all day.",
        lower_bound=0.0,
        flag_values=values,
    )
    flags.DEFINE_float(
        "per_day",
        None,
        "Rows a day of a machine, for --false_alarms_per_day.",
        lower_bound=0.0,
        flag_values=values,
    )
    flags.DEFINE_float(
        "fdr",
        None,
        "Decide on all rows of this call together (Benjamini-Hochberg): at most this share of the "
        "alarms may be false.",
        lower_bound=FALSE_ALARMS[0],
        upper_bound=FALSE_ALARMS[1],
        flag_values=values,
    )


def check_alarm_flags(values: flags.FlagValues) -> None:
    """Refuses flags that exclude each other, before anything is loaded.

    Raises:
        UsageError: If two are given, or --per_day without what needs it.
    """
    for name in (*_EXCLUSIVE, "per_day"):
        if not math.isfinite(values[name].value or 0.0):
            raise UsageError(f"--{name} must be a finite number, not {values[name].value}")
    given = [f"--{name}" for name in _EXCLUSIVE if values[name].value is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other: give one of them")
    if values.per_day is not None and values.false_alarms_per_day is None:
        raise UsageError("--per_day is for --false_alarms_per_day alone")
    if values.false_alarms_per_day is not None and values.per == "both":
        raise UsageError(
            "--false_alarms_per_day: windows and recordings have different numbers of rows a day; "
            "choose --per=window or --per=recording"
        )
    if values.fdr is not None and values.section == "any":
        raise UsageError(
            "--fdr needs p-values of a section that was chosen without the score: name it "
            "(--section), or put it into the names or a manifest"
        )


def with_asked_level(detector: "Detector", values: flags.FlagValues) -> "Detector":
    """Returns the detector with the thresholds that the flags ask for; tells what was assumed.

    Raises:
        UsageError: If the rows a day are not known, or the share is out of range.
    """
    if values.false_alarms is not None:
        return detector.with_false_alarms(values.false_alarms)
    if values.false_alarms_per_day is None:
        return detector
    rows, why = _rows_per_day(detector, values)
    asked = values.false_alarms_per_day
    level = asked / rows if rows else 0.0
    told = (
        f"--false_alarms_per_day={asked:g}: of {rows:,.0f} rows a day ({why}), {level:.2g} of them"
    )
    least, most = FALSE_ALARMS
    if not least <= level <= most:
        raise UsageError(f"{told}, which must be from {least} to {most}")
    print(told, file=sys.stderr)
    return detector.with_false_alarms(level)


def _rows_per_day(detector: "Detector", values: flags.FlagValues) -> tuple[float, str]:
    """Returns the rows of a machine in a day, and where the number is from."""
    if values.per_day is not None:
        return values.per_day, "--per_day"
    hop = detector.manifest.get("recording", {}).get("hop")
    if values.per != "window" or hop is None:
        what = "windows" if values.per == "window" else "recordings"
        raise UsageError(
            f"--false_alarms_per_day: how many {what} of a machine are there a day? Say it with "
            "--per_day"
        )
    why = f"a window every {hop:g} s, recorded without a gap"
    count = _SECONDS_PER_DAY / hop
    if detector.channels is not None:
        count, why = count * detector.channels, f"{why}, of {detector.channels} channels"
    return count, why
