"""From clips to a detector: prepare the clips, check them, and train one run or several."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import ml_collections
import pandas as pd

from asd_tf.config import check_choices, check_ranges, flatten
from asd_tf.data.channel_windows import common_count, split_into_channels
from asd_tf.data.decoding.inspection import (
    apply_bad_file_policy,
    bad_files_error,
    commonest_seconds,
    inspect_clips,
)
from asd_tf.data.layouts.editions import EDITIONS
from asd_tf.data.windows import UnusedAudio, Windows, duration, split_into_windows
from asd_tf.detector.fused import check_can_be_fused, write_fused_detector
from asd_tf.errors import UsageError, printable
from asd_tf.experiment.calibrated_training import fit
from asd_tf.experiment.calibration_plan import check_plan, set_grouping
from asd_tf.experiment.deciding import decide_as_set
from asd_tf.experiment.sample_rates import LIMITS as SAMPLE_RATES
from asd_tf.experiment.sample_rates import check_rate
from asd_tf.experiment.state import without_off
from asd_tf.experiment.window_length import fitting_seconds
from asd_tf.files import is_utf8, write_csv
from asd_tf.methods.registry import load_method, trains_nothing
from asd_tf.run.folder import single_folder
from asd_tf.run.frames import frames_lines
from asd_tf.run.init_from import source_of_single
from asd_tf.run.run import Run
from asd_tf.scoring.domains import DOMAINS
from asd_tf.scoring.fusion import Fusion
from asd_tf.scoring.promises import FALSE_ALARMS, RULES
from asd_tf.scoring.recordings import POOLS

_logger = logging.getLogger(__name__)

_LIMITS = {
    "calibration.false_alarms": FALSE_ALARMS,
    "data.seconds": (0.02, 600.0),
    "data.max_seconds": (0.02, 600.0),
    "data.sample_rate": SAMPLE_RATES,
}
_CHOICES = {
    "recording.pool": POOLS,
    "calibration.rule": RULES,
    "calibration.domains": DOMAINS,
}
# Keys that a recipe of one's own may lack.
_OPTIONAL = {"data.hop": (0.02, 600.0), "data.max_windows": (1, 10**6)}


def prepare(
    clips: pd.DataFrame,
    config: ml_collections.ConfigDict,
    method: str,
    on_bad_file: str,
    dataset: str,
    each_channel: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Checks the files and the recipe, and fills in the values that depend on the data.

    If `data.seconds` is none it becomes the commonest length of a clip of an edition of DCASE, at
    most `data.max_seconds`; on other data, a length that fits the recordings.
    Longer recordings are divided into windows if `data.windows` is `all`; if it is none, it becomes
    `one` where the layout is an edition of DCASE and `all` on other data. Training windows of a
    machine that is off are left out as `data.state` says. If `recording.domain` is none, it becomes
    `blind` for editions that do not state the domain of evaluation clips, else `known`. If
    `calibration.group_by` is none, it becomes what names the sessions of data that are no edition.
    Methods may fill in more (`fill_in`). If a recipe names `data.subsets`, clips of other subsets
    are left out. Nothing is written.

    Args:
        clips: The clip table.
        config: The recipe; changed in place.
        method: Name of the method.
        on_bad_file: `fail`, or `skip` the training clips that cannot be read; test clips stay in
            the table, and are reported without a score.
        dataset: Layout of the data, such as `dcase2022` or `folder`.
        each_channel: Whether every channel of a recording is a window of its own.

    Returns:
        The clips of the run, a row for each window, and the bad ones with their reasons.

    Raises:
        InputError: If a file is bad and the policy is `fail`, none is good, or the method cannot
            learn from these clips.
        UsageError: If a value of the recipe is impossible.
    """
    known = flatten(config)
    limits = {key: limit for key, limit in _OPTIONAL.items() if key in known}
    check_ranges(config, {**_LIMITS, **limits})
    check_choices(config, _CHOICES)
    _set_domain(config, dataset)
    if config.data.get("subsets"):
        clips = of_subsets(clips, config.data.subsets)
    used = clips[clips["split"] != "supplemental"]
    report = inspect_clips(used, thorough=on_bad_file == "skip")
    good, bad = apply_bad_file_policy(used, report, on_bad_file)
    if len(bad):
        error = bad_files_error(bad, "left out of the training, without a score")
        _logger.warning("%s", printable(str(error)))
    check_rate(good, config)
    if config.data.seconds is None:
        config.data.seconds = _seconds(report, config, dataset)
    is_train = clips["split"] == "train"
    # Tables are UTF-8: a test clip with another name has no row there, but in that of bad files.
    is_row = ~is_train & clips["path"].map(is_utf8)
    kept = clips[is_row | clips["clip_id"].isin(good["clip_id"])].reset_index(drop=True)
    kept = _windows(kept, config, dataset)
    if each_channel:
        kept = _channels(kept)
    kept = without_off(kept, config)
    module = load_method(method)
    if hasattr(module, "fill_in"):
        module.fill_in(config, dataset)
    grouping = list(set_grouping(config, kept, dataset))
    module.check(config, kept)
    for line in (*frames_lines(config), *grouping, *check_plan(config, module, kept)):
        _logger.info(line)
    return kept, bad


def _set_domain(config: ml_collections.ConfigDict, dataset: str) -> None:
    """Fills in whether the domain of a recording that is scored may be used."""
    if "domain" not in config.recording:  # as in a recipe of one's own
        return
    if config.recording.domain is None:
        hidden = dataset in EDITIONS and EDITIONS[dataset].hides_domains
        config.recording.domain = "blind" if hidden else "known"
    check_choices(config, {"recording.domain": ("blind", "known")})


def _seconds(report: pd.DataFrame, config: ml_collections.ConfigDict, dataset: str) -> float:
    """Returns the length of windows: of an edition, the commonest one of a clip."""
    most = config.data.max_seconds
    if dataset in EDITIONS:
        return min(commonest_seconds(report), most)
    seconds, why = fitting_seconds(report, most)
    _logger.info("windows of %g s (data.seconds): %s", seconds, why)
    return seconds


def _windows(clips: pd.DataFrame, config: ml_collections.ConfigDict, dataset: str) -> pd.DataFrame:
    """Divides recordings into windows as the recipe says; logs what is not used of them."""
    data = config.data
    windows = data.get("windows") or ("one" if dataset in EDITIONS else "all")
    if "windows" in data:
        data.windows = windows
        check_choices(config, {"data.windows": ("all", "one")})
    if windows == "one":
        used = clips[clips["split"] != "supplemental"]
        part = "one window (a random part in training, the first in scoring; data.windows=one)"
        unused = UnusedAudio(data.seconds)
        unused.add(inspect_clips(used))
        if line := unused.line(part):
            _logger.info(line)
        return clips
    tables = []
    for split, rows in clips.groupby("split", sort=False):
        rows = rows.reset_index(drop=True)
        most = data.get("max_windows") if split == "train" else None
        report = inspect_clips(rows)
        report["ok"] &= split != "supplemental"
        split_up = split_into_windows(rows, report, data.seconds, hop=data.get("hop"), most=most)
        tables.append(split_up.table)
        if split != "supplemental":
            _log_windows(split, len(rows), split_up, most)
    return pd.concat(tables, ignore_index=True)


def _channels(clips: pd.DataFrame) -> pd.DataFrame:
    """Makes each channel of the training and test clips a row of its own; logs their number."""
    report = inspect_clips(clips)
    report["ok"] &= clips["split"].ne("supplemental").to_numpy(bool)
    count = common_count(clips, report)
    if count is None or count == 1:
        _logger.info("--channel=each: no recording has a second channel; as without it")
        return clips
    _logger.info("--channel=each: every channel is a window of its own, %d of each", count)
    return split_into_channels(clips, report, count)


def _log_windows(split: str, recordings: int, windows: Windows, most: int | None) -> None:
    if len(windows.table) > recordings:
        _logger.info("%s: %d recordings, %d windows", split, recordings, len(windows.table))
    if windows.unused_s > 0:
        why = f"; {windows.capped} recordings have more than {most} windows (data.max_windows)"
        _logger.info(
            "%s: %s of %s of audio are in no window%s",
            split, duration(windows.unused_s), duration(windows.total_s),
            why if windows.capped else "",
        )  # fmt: skip


def warm_source(source: Path | None, method: str) -> Path | None:
    """Returns the run whose weights a method starts from; None, and a line, if it trains none."""
    if source is not None and trains_nothing(load_method(method)):
        _logger.info("--init_from has no effect: method=%s trains no network", method)
        return None
    return source


def of_subsets(clips: pd.DataFrame, subsets: Sequence[str]) -> pd.DataFrame:
    """Returns the clips of some subsets, with a new index from 0."""
    kept = clips[clips["subset"].isin(subsets)]
    if kept.empty:
        raise UsageError(
            f"data.subsets={tuple(subsets)}: no clip is of these subsets, "
            f"the data have {', '.join(sorted(clips['subset'].unique()))}"
        )
    return kept.reset_index(drop=True)


def train(run: Run, bad: pd.DataFrame) -> None:
    """Makes the detector of a run, or continues an interrupted run.

    Args:
        run: The run.
        bad: The clips that were found unreadable, with reasons.
    """
    write_csv(run.folder / "bad_files.csv", bad, defuse=True)
    if (run.detector_folder / "detector.json").exists():
        for index in range(run.settings.num_runs):
            if (run.root.single(index) / "detector" / "detector.json").exists():
                decide_as_set(_single(run, index))
        decide_as_set(run)
        return
    if run.settings.num_runs > 1:
        _train_many(run, bad)
        return
    run.settings.devices.prepare()
    fit(run)


def _single(run: Run, index: int) -> Run:
    """Opens one of the runs that are fused."""
    settings = dataclasses.replace(run.settings, seed=run.settings.seed + index, num_runs=1)
    reuse = None if run.reuse is None else single_folder(run.reuse, index)
    init_from = None if run.init_from is None else source_of_single(run.init_from, index)
    return Run.open(
        run.root.single(index), settings, run.config, run.clips, reuse=reuse, init_from=init_from
    )


def _train_many(run: Run, bad: pd.DataFrame) -> None:
    """Trains runs with consecutive seeds and fuses them by adding their scores."""
    count = run.settings.num_runs
    for index in range(count):
        _logger.info("run %d of %d, seed %d", index + 1, count, run.settings.seed + index)
        single = _single(run, index)
        train(single, bad)
        if index == 0:  # fail after the first training, not after the last
            check_can_be_fused(single.detector_folder)
    parts = {str(index): run.root.single(index) / "detector" for index in range(count)}
    fusion = Fusion(rule="sum", scale="raw")  # the ensembles of the papers
    calibration = run.config.calibration
    write_fused_detector(
        run.detector_folder, parts, fusion, calibration.false_alarms, calibration.rule
    )
