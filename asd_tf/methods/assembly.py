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
from asd_tf.calibration import (
    cross_fit_scores,
    feature_statistics,
    fit_thresholds,
    held_out_scores,
    matching_weights,
)
from asd_tf.data.channels import common_channel
from asd_tf.data.inspection import reason_for
from asd_tf.detector.base import Group
from asd_tf.detector.examination import ClipFeatures
from asd_tf.detector.extractor import Extractor, Extractors, export_extractor
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
    held_out: np.ndarray | None = None,
    among: np.ndarray | None = None,
    numbers: Mapping[Group, int] | None = None,
) -> None:
    """Fits backends on the features of the training clips and writes the run's detector.

    Each group (machine, section) gets scorers of its own, fitted on all its clips, and calibration
    scores by cross-fitting: every normal clip is scored by a backend that has not seen it. Where
    clips were held out of the training of the network, these alone calibrate, and nothing is fitted
    to them.

    Args:
        run: The run.
        extractors: Name to SavedModel. Each embeds the clips of the groups that it scores.
        scorers: From a group to the arguments of `Scorer` for each of its scorers, its backend as
            `build_backend` takes it, and `weight` a number or `matched`: see `matching_weights`.
            All groups of a machine have the same scorers.
        say: Told what is going on.
        held_out: Which training clips [clips] no network was trained on; None for cross-fitting.
        among: Which training clips [clips] backends may see at all, in fitting and in calibration;
            None for all.
        numbers: Machine and section to the number by which networks know them; for extractors that
            need it.
    """
    clips = run.train_clips
    among = np.ones(len(clips), bool) if among is None else among
    rows_of = {
        group: rows.to_numpy()[among[rows]]
        for group, rows in clips.groupby(["machine", "section"], sort=True).groups.items()
    }
    described = {group: scorers(group) for group in rows_of}
    loaded = Extractors(extractors)
    features = {}
    for name in loaded:
        using = [
            rows_of[group]
            for group, of_group in described.items()
            if any(one["extractor"] == name for one in of_group)
        ]
        rows = np.sort(np.concatenate(using))
        features[name] = _features(run, name, loaded[name], rows, numbers)
    say("fit the backends and calibrate the thresholds")
    fitted, alone, statistics = {}, {}, []
    for group, rows in rows_of.items():
        scorer = GroupScorer([_scorer(values) for values in described[group]])
        of_group = {one.extractor: features[one.extractor][rows] for one in scorer.scorers}
        domain = clips["domain"].iloc[rows].to_numpy(object)
        if held_out is None:
            with remembered_fits():
                alone[group] = cross_fit_scores(scorer, of_group, domain, run.settings.seed)
                fitted[group] = scorer.fit(of_group, domain)
        else:
            fitted[group], alone[group] = held_out_scores(scorer, of_group, domain, held_out[rows])
        statistics.append(_statistics(group, of_group))
    for group, scorer in fitted.items():
        fitted[group] = scorer.with_weights(_weights(group, described, alone))
    calibration = [
        clips.iloc[rows][["machine", "section", "clip_id", "domain"]].assign(
            score=fitted[group].combined_clips(alone[group])
        )
        for group, rows in rows_of.items()
    ]
    calibration = pd.concat(calibration, ignore_index=True)
    if held_out is not None:
        calibration = calibration.dropna(subset="score", ignore_index=True)
    write_detector(
        run.detector_folder,
        {
            "method": run.settings.method,
            "recipe": run.settings.recipe,
            "sample_rate": run.config.data.sample_rate,
            "channel": common_channel(clips),
            "samples": run.samples,
        },
        extractors,
        fitted,
        fit_thresholds(calibration, list(fitted), run.config.calibration.quantile),
        calibration,
        statistics,
        numbers,
    )


def _features(
    run: Run,
    name: str,
    extractor: Extractor,
    rows: np.ndarray,
    numbers: Mapping[Group, int] | None,
) -> ClipFeatures:
    """Computes the features of the training clips at `rows`."""
    clips = run.train_clips.iloc[rows].reset_index(drop=True)
    with progress_over(len(clips), f"embed {name}") as progress:
        values, ok = run.embeddings.features(
            name,
            extractor,
            clips,
            run.config.data.sample_rate,
            progress,
            split="train",
            numbers=numbers,
        )
    _check_readable(run, clips, ok)
    places = np.full(len(run.train_clips), -1)
    places[rows] = np.arange(len(rows))
    return ClipFeatures(values, places)


def _scorer(values: Mapping[str, Any]) -> Scorer:
    """Builds a scorer, whose weight is settled later."""
    return Scorer(**{**values, "backend": build_backend(values["backend"]), "weight": 1.0})


def _weights(
    group: Group,
    described: Mapping[Group, Sequence[Mapping[str, Any]]],
    alone: Mapping[Group, np.ndarray],
) -> list[float]:
    """Returns the weight of each scorer of a group; matched ones are those of its machine."""
    of_machine = [scores for other, scores in alone.items() if other[0] == group[0]]
    matched = matching_weights(of_machine)
    given = [values.get("weight", 1.0) for values in described[group]]
    return [
        match if weight == "matched" else weight
        for weight, match in zip(given, matched, strict=True)
    ]


def scorer_of(config: ml_collections.ConfigDict, extractor: str) -> dict[str, Any]:
    """Returns the scorer of a method with one extractor and a `backend` section in its recipe."""
    # What else a recipe says of its backend is for its method alone.
    known = ("combine", "normalise", "oversample", "members")
    backend = {key: value for key, value in config.backend.to_dict().items() if key in known}
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
