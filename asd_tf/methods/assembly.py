"""From extractors to a detector: features, backends, calibration and thresholds."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import ml_collections
import numpy as np
import pandas as pd

from asd_tf.backends.fits import remembered_fits
from asd_tf.backends.registry import build_backend
from asd_tf.calibration import cross_fit_scores, feature_statistics, fit_thresholds
from asd_tf.data.channels import common_channel
from asd_tf.data.inspection import reason_for
from asd_tf.detector.base import Group
from asd_tf.detector.extractor import Extractor, export_extractor
from asd_tf.detector.single import write_detector
from asd_tf.errors import InputError
from asd_tf.methods.progress import Say, progress_over
from asd_tf.run import Run
from asd_tf.scoring import GroupScorer, Scorer


def fit_detector(
    run: Run,
    extractors: Mapping[str, Path],
    scorers: Callable[[Group], Sequence[Mapping[str, Any]]],
    say: Say,
) -> None:
    """Fits backends on the features of the training clips and writes the run's detector.

    Each group (machine, section) gets a scorer of its own, fitted on all its clips, and calibration
    scores by cross-fitting: every normal clip is scored by a backend that has not seen it.

    Args:
        run: The run.
        extractors: Name to SavedModel.
        scorers: From a group to the arguments of `Scorer` for each of its scorers, its backend as
            `build_backend` takes it.
        say: Told what is going on.
    """
    clips, sample_rate = run.train_clips, run.config.data.sample_rate
    loaded = {name: Extractor(folder) for name, folder in extractors.items()}
    features = {}
    for name, extractor in loaded.items():
        with progress_over(len(clips), f"embed {name}") as progress:
            features[name], ok = run.embeddings.features(
                name, extractor, clips, sample_rate, progress, split="train"
            )
        _check_readable(run, clips, ok)
    say("fit the backends and calibrate the thresholds")
    fitted, calibration, statistics = {}, [], []
    for group, rows in clips.groupby(["machine", "section"], sort=True).groups.items():
        members = clips.loc[rows]
        domain = members["domain"].to_numpy(object)
        of_group = {name: values[rows.to_numpy()] for name, values in features.items()}
        scorer = GroupScorer(
            [
                Scorer(**{**values, "backend": build_backend(values["backend"])})
                for values in scorers(group)
            ]
        )
        with remembered_fits():
            scores = cross_fit_scores(scorer, of_group, domain, run.settings.seed)
            fitted[group] = scorer.fit(of_group, domain)
        calibration.append(
            members[["machine", "section", "clip_id", "domain"]].assign(score=scores)
        )
        statistics.append(_statistics(group, of_group))
    calibration = pd.concat(calibration, ignore_index=True)
    write_detector(
        run.detector_folder,
        {
            "method": run.settings.method,
            "recipe": run.settings.recipe,
            "sample_rate": sample_rate,
            "channel": common_channel(clips),
            "samples": next(iter(loaded.values())).samples,
        },
        extractors,
        fitted,
        fit_thresholds(calibration, list(fitted), run.config.calibration.quantile),
        calibration,
        statistics,
    )


def scorer_of(config: ml_collections.ConfigDict, extractor: str) -> dict[str, Any]:
    """Returns the scorer of a method with one extractor and a `backend` section in its recipe."""
    backend = {key: config.backend[key] for key in ("combine", "normalise")}
    backend["members"] = config.backend.members.to_dict()
    return {"extractor": extractor, "backend": backend}


def fit_untrained(run: Run, build: Callable[[Run], keras.Model], say: Say) -> None:
    """Makes the detector of a method whose features need no training.

    Args:
        run: The run.
        build: Builds the network from waveforms to features.
        say: Told what is going on.
    """
    stage = run.stage("extractor", ("data", "frontend"))
    if not stage.done:
        export_extractor(build(run), stage.folder / "extractor")
        stage.finish()
    extractors = {"features": stage.folder / "extractor"}
    scorer = scorer_of(run.config, "features")
    fit_detector(run, extractors, lambda group: [scorer], say)


def _check_readable(run: Run, clips: pd.DataFrame, ok: np.ndarray) -> None:
    if not ok.all():
        bad = clips[~ok].iloc[0]
        reason = reason_for(bad, run.config.data.sample_rate)
        raise InputError(f"{bad['path']}: {reason}; repair it, or leave it out: --on_bad_file=skip")


def _statistics(group: tuple[str, str], features: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {
        "machine": group[0],
        "section": group[1],
        "extractors": {name: feature_statistics(values) for name, values in features.items()},
    }
