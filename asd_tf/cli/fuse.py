"""`asd-fuse`: makes one detector of several."""

import sys
from pathlib import Path

from absl import flags

from asd_tf.cli import app
from asd_tf.errors import InputError, UsageError
from asd_tf.old_keys import false_alarms_of
from asd_tf.scoring.promises import DEFAULT_FALSE_ALARMS, FALSE_ALARMS, RULES

DESCRIPTION = """
Makes one detector that fuses the scores of several. It is used like any other detector, and does
not need the originals.

  asd-fuse OUT RUN_OR_DETECTOR RUN_OR_DETECTOR ... --rule=rank

The rules are sum, mean, median and max of the parts' scores, rank: the mean of -log(share of normal
clips that score higher), and mean_rank: the mean of the shares of normal clips that score lower.
Scores are first standardized by calibration scores; --scale=raw
leaves them unchanged. Thresholds come from the fused calibration scores.
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string(
        "rule", "mean", "sum, mean, median, max, rank or mean_rank.", flag_values=values
    )  # fmt: skip
    flags.DEFINE_string(
        "scale",
        "standardized",
        "standardized or raw; not used by the rules rank and mean_rank, which have their own.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "weights",
        None,
        "A weight for each part, for all rules but median: 1,2.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "false_alarms",
        None,
        f"Share of unseen normal clips that may raise an alarm; by default {DEFAULT_FALSE_ALARMS}.",
        lower_bound=FALSE_ALARMS[0],
        upper_bound=FALSE_ALARMS[1],
        flag_values=values,
    )
    flags.DEFINE_enum(
        "calibration_rule",
        RULES[0],
        list(RULES),
        "conformal: no threshold where there are too few normal scores for --false_alarms; gamma: "
        "one that is extrapolated.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "quantile",
        None,
        "Former name: --quantile=0.9 is read as --false_alarms=0.1.",
        lower_bound=0.01,
        upper_bound=0.9999,
        flag_values=values,
    )


def main(argv: list[str] | None = None) -> None:
    """Runs the command and exits."""
    app.run(fuse, define_flags, DESCRIPTION, argv)


def fuse(values: flags.FlagValues, positional: list[str]) -> None:
    """Fuses as the flags say."""
    if len(positional) < 3:
        raise UsageError("name a folder to make and at least two detectors; see --help")
    out, *given = map(Path, positional)
    false_alarms = _false_alarms(values)
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: exists and is not empty; choose another folder")

    from asd_tf.detector.fused import write_fused_detector
    from asd_tf.scoring.fusion import Fusion

    parts = named_parts(given)
    try:
        fusion = Fusion(values.rule, values.scale, _numbers(values.weights))
        fusion.check_parts(len(parts))
    except ValueError as error:
        raise UsageError(str(error)) from None
    write_fused_detector(out, parts, fusion, false_alarms, values.calibration_rule)
    app.echo(f"{out}: {len(parts)} detectors, {', '.join(parts)}, fused by {values.rule}")
    app.echo(f"next         asd-score {out} FILES_OR_FOLDERS   scores new recordings")


def named_parts(given: list[Path]) -> dict[str, Path]:
    """Names detectors by their folder or their run's; equal names get a number."""
    from asd_tf.detector.folder import detector_in

    parts: dict[str, Path] = {}
    for path in given:
        detector = detector_in(path)
        resolved = detector.resolve()
        name = resolved.parent.name if resolved.name == "detector" else resolved.name
        unique, number = name, 2
        while unique in parts:
            unique, number = f"{name}-{number}", number + 1
        parts[unique] = detector
    return parts


def _false_alarms(values: flags.FlagValues) -> float:
    if values.quantile is None:
        return DEFAULT_FALSE_ALARMS if values.false_alarms is None else values.false_alarms
    if values.false_alarms is not None:
        raise UsageError("--quantile is the former name of --false_alarms: give one of them")
    converted = false_alarms_of(values.quantile)
    print(
        f"--quantile={values.quantile:g} is read as --false_alarms={converted:g}",
        file=sys.stderr,
    )
    return converted


def _numbers(weights: list[str] | None) -> tuple[float, ...] | None:
    try:
        return None if weights is None else tuple(map(float, weights))
    except ValueError:
        raise UsageError(f"--weights={','.join(weights)}: write numbers, as in 1,0.5") from None
