"""From clips to a detector: prepare the clips, and train one run or several."""

import dataclasses
import importlib
from collections.abc import Sequence

import ml_collections
import pandas as pd

from asd_tf.config import check_ranges
from asd_tf.data.inspection import apply_bad_file_policy, commonest_seconds, inspect_clips
from asd_tf.detector.fused import check_can_be_fused, write_fused_detector
from asd_tf.detector.fusion import Fusion
from asd_tf.errors import UsageError
from asd_tf.files import write_csv
from asd_tf.methods.progress import Say
from asd_tf.run import Run, single_folder


def prepare(
    clips: pd.DataFrame, config: ml_collections.ConfigDict, on_bad_file: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Checks the files of training and test clips and fills in what a recipe leaves to the data.

    Where `data.seconds` is empty it becomes the commonest length of a clip, at most
    `data.max_seconds`. Where a recipe names `data.subsets`, clips of others are left out.

    Args:
        clips: The clip table.
        config: The recipe; changed in place.
        on_bad_file: `fail`, or `skip` the training clips that cannot be read; test clips stay in
            the table, and are reported without a score.

    Returns:
        The clips to go on with, and the bad ones with their reasons.

    Raises:
        InputError: If a file is bad and the policy is `fail`, or none is good.
        UsageError: If the quantile of the thresholds is none.
    """
    check_ranges(config, {"calibration.quantile": (0.01, 0.9999)})
    if config.data.get("subsets"):
        clips = of_subsets(clips, config.data.subsets)
    used = clips[clips["split"] != "supplemental"]
    report = inspect_clips(used, config.data.sample_rate, thorough=on_bad_file == "skip")
    good, bad = apply_bad_file_policy(used, report, on_bad_file)
    if config.data.seconds is None:
        config.data.seconds = min(commonest_seconds(report), config.data.max_seconds)
    is_train = clips["split"] == "train"
    kept = clips[~is_train | clips["clip_id"].isin(good["clip_id"])]
    return kept.reset_index(drop=True), bad


def of_subsets(clips: pd.DataFrame, subsets: Sequence[str]) -> pd.DataFrame:
    """Returns the clips of some subsets, with a new index from 0."""
    kept = clips[clips["subset"].isin(subsets)]
    if kept.empty:
        raise UsageError(
            f"data.subsets={tuple(subsets)}: no clip is of these subsets, "
            f"the data have {', '.join(sorted(clips['subset'].unique()))}"
        )
    return kept.reset_index(drop=True)


def train(run: Run, bad: pd.DataFrame, say: Say) -> None:
    """Makes the detector of a run, or goes on where that was interrupted.

    Args:
        run: The run.
        bad: The clips that were found unreadable, with reasons.
        say: Told what is going on.
    """
    write_csv(run.folder / "bad_files.csv", bad)
    if (run.detector_folder / "detector.json").exists():
        return
    if run.settings.num_runs > 1:
        _train_many(run, bad, say)
        return
    run.settings.devices.prepare()
    importlib.import_module(f"asd_tf.methods.{run.settings.method}").fit(run, say)


def _train_many(run: Run, bad: pd.DataFrame, say: Say) -> None:
    """Trains runs with consecutive seeds and fuses them by adding their scores."""
    for index in range(run.settings.num_runs):
        settings = dataclasses.replace(run.settings, seed=run.settings.seed + index, num_runs=1)
        say(f"run {index + 1} of {run.settings.num_runs}, seed {settings.seed}")
        folder = run.single_folder(index)
        reuse = None if run.reuse is None else single_folder(run.reuse, index)
        train(Run.open(folder, settings, run.config, run.clips, reuse=reuse), bad, say)
        # Better known after the first training than after the last.
        check_can_be_fused(folder / "detector")
    parts = {
        str(index): run.single_folder(index) / "detector" for index in range(run.settings.num_runs)
    }
    fusion = Fusion(rule="sum", scale="raw")  # the ensembles of the papers
    write_fused_detector(run.detector_folder, parts, fusion, run.config.calibration.quantile)
