"""Scores of normal clips, and of pseudo-faults of these, by what has not seen the clips.

What trains networks was trained without the clips, so that its detector scores them. A part without
training has seen all clips: its backends are fitted again, without them.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from asd_tf.data.groups import rows_of_groups
from asd_tf.data.health.measures import no_measures
from asd_tf.data.sessions import unit_names
from asd_tf.detector import Detector
from asd_tf.detector.deciding.domain_scales import Entries, on_domain_scales
from asd_tf.detector.single import SingleDetector
from asd_tf.errors import InputError
from asd_tf.progress import progress_over
from asd_tf.run.run import Run


def unseen_scores(trained: Run, clips: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Scores clips that the detector of a run, or of a part of one, has not seen.

    Their features are stored with the run, so that a killed one need not compute them again.

    Args:
        trained: The run.
        clips: The clip table.

    Returns:
        Columns machine, section, clip_id, domain, recording_id, unit (see `unit_names`) and score;
        and the measures of the clips [clips, measures].
    """
    detector = Detector.load(trained.detector_folder)
    with progress_over(len(clips), "score what it does not see") as progress:
        scores = detector.score_with_details(clips, progress, trained.embeddings.part("unseen"))
    columns = ["machine", "section", "clip_id", "domain", "recording_id"]
    units: Sequence[str] | np.ndarray = []
    if len(clips):
        units = unit_names(clips, trained.config.calibration.get("group_by"))
    measures = None if scores.verdicts is None else scores.verdicts.measures
    if measures is None:
        measures = no_measures(len(clips))
    table = clips[columns].assign(unit=units, score=scores.clip.astype(np.float64))
    return table, measures


def calibration_of(
    trained: Run, clips: pd.DataFrame, domains: str, seed: int
) -> tuple[Entries, pd.DataFrame]:
    """Returns what clips that a detector has not seen say of its scores.

    Args:
        trained: The run, or the part of one, that the detector is of.
        clips: The clip table.
        domains: One of `scoring.domains.DOMAINS`.
        seed: Seed of the folds that tell how well the domain is predicted.

    Returns:
        The entries of the groups, and the calibration table, see `write_recalibrated`; without the
        clips that have no score, such as those of a machine that is off.
    """
    scores, measures = unseen_scores(trained, clips)
    entries, table = on_domain_scales(scores, measures, domains, seed)
    return entries, table.dropna(subset="score", ignore_index=True)


def refitted_without(part: Run, detector: SingleDetector, held_out: np.ndarray) -> SingleDetector:
    """Fits the backends of a detector without trained networks again, without some clips.

    Args:
        part: The part of the run that the detector is of, with the stored features.
        detector: The detector, fitted to all training clips; it is not changed.
        held_out: [training clips] bool, the clips to leave out.

    Returns:
        The same detector with these backends, and its scale of scores.
    """
    clips, domain = part.train_clips, part.train_clips["domain"].to_numpy(object)
    features = {name: _stored(part, detector, name) for name in detector.extractors}
    scorers = {}
    for group, rows in rows_of_groups(clips).items():
        rest = rows[~held_out[rows]]
        scorer = detector.scorers[group].clone()
        of_rest = {name: features[name][rest] for name in scorer.extractors}
        scorers[group] = scorer.fit(of_rest, domain[rest])
    return detector.with_scorers(scorers)


def _stored(part: Run, detector: SingleDetector, name: str) -> np.ndarray:
    """Returns the features of all training clips, which the training of the part has stored."""
    values, ok = part.embeddings.features(
        name, detector.extractors[name], part.train_clips, detector.manifest["sample_rate"],
        lambda done: None, "train", detector.section_ids,
    )  # fmt: skip
    if not ok.all():
        raise InputError(f"{part.train_clips['path'][~ok].iloc[0]}: cannot be read")
    return values
