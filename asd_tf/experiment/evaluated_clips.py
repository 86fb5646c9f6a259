"""The way from windows to the files of an evaluation, of a run as of a detector alone."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from asd_tf.data.windows import recordings_of
from asd_tf.detector import Detector
from asd_tf.errors import UsageError
from asd_tf.evaluation.extra_scores.registry import add_extra_score
from asd_tf.evaluation.ground_truth import join_ground_truth
from asd_tf.evaluation.output import write_evaluation
from asd_tf.evaluation.report import ReportContext, write_report
from asd_tf.evaluation.results import Evaluation, evaluate
from asd_tf.extraction.store import EmbeddingStore
from asd_tf.progress import progress_over
from asd_tf.scoring.scores import Scores


@dataclasses.dataclass(frozen=True)
class EvaluatedClips:
    """The clips that an evaluation is of, and where it goes.

    Attributes:
        windows: The clip table of the test clips, a row for each window.
        dataset: Name of the layout of the data, which decides the official score.
        truth: The columns clip_id, label and domain of clips whose labels came apart from the
            table; None without any.
        folder: The folder of the evaluation.
        context: What the report says of it.
    """

    windows: pd.DataFrame
    dataset: str
    truth: pd.DataFrame | None
    folder: Path
    context: ReportContext

    def scored(
        self,
        detector: Detector,
        scores: Scores,
        extra_scores: Sequence[str] = (),
        skip_impossible: bool = False,
    ) -> tuple[pd.DataFrame, list[str], Scores]:
        """Scores recordings by the scores of their windows.

        Args:
            detector: The detector that scored the windows.
            scores: Their scores.
            extra_scores: Names in `EXTRA_SCORES` of scores to add.
            skip_impossible: Whether extra scores that are impossible are left out; else they are
                an error.

        Returns:
            The scored table, with ground truth and extra scores, the names of the latter, and the
            scores of the recordings.

        Raises:
            UsageError: If an extra score is impossible.
        """
        recordings, scores = detector.recordings.pooled(self.windows, scores)
        scored, added = detector.with_decisions(recordings, scores).assign(**scores.columns), []
        if self.truth is not None:
            scored = join_ground_truth(scored, self.truth)
        for name in extra_scores:
            try:
                scored = add_extra_score(name, scored, scores, self.dataset)
            except UsageError:
                if not skip_impossible:
                    raise
            else:
                added.append(name)
        return scored, added, scores

    def write(
        self,
        detector: Detector,
        scored: pd.DataFrame,
        scores: Scores,
        others: Sequence[str],
        tsne: bool,
    ) -> Evaluation:
        """Evaluates a scored table, and writes metrics, plots and report.

        Args:
            detector: The detector that scored them, whose promise is compared with what is seen.
            scored: The scored table of `scored`.
            scores: The scores of the recordings.
            others: Columns with other scores, evaluated in addition.
            tsne: Whether the report also has a map of the embeddings by t-SNE.
        """
        levels = {threshold.false_alarms for threshold in detector.thresholds.values()}
        promised = levels.pop() if len(levels) == 1 else None
        evaluation = evaluate(scored, self.dataset, others, promised)
        write_evaluation(evaluation, self.folder)
        report, recordings = self.folder / "report.html", recordings_of(self.windows)
        write_report(report, evaluation, recordings, scores.features, self.context, tsne)
        return evaluation


def score_windows(detector: Detector, windows: pd.DataFrame, store: EmbeddingStore) -> Scores:
    """Scores windows; those of machines and sections that are not known have no score.

    Args:
        detector: The detector.
        windows: The clip table.
        store: Where features are kept, and taken from if they are valid.
    """
    known = detector.is_known(windows)
    with progress_over(int(known.sum()), "score") as progress:
        scores = detector.score_with_details(windows[known].reset_index(drop=True), progress, store)
    return scores.spread(known)
