"""`asd-evaluate`: evaluates a trained run again."""

from pathlib import Path

from absl import flags

from asd_tf.cli import app
from asd_tf.config import check_choice
from asd_tf.errors import InputError, UsageError

DESCRIPTION = """
Scores and evaluates the labelled test clips of a trained run again.

  python evaluate.py --run_dir=runs/wilkinghoff-quick-simulated-seed0
  python evaluate.py --run_dir=RUN --ground_truth=dcase2022_evaluator-main.zip
  python evaluate.py --run_dir=RUN_OF_GECO --also=oracle_gamma
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("run_dir", None, "Folder of the run.", flag_values=values)
    define_truth_flags(values)
    flags.DEFINE_bool(
        "tsne", False, "Add a map of the embeddings by t-SNE to the report.", flag_values=values
    )
    flags.DEFINE_list(
        "also",
        [],
        "Scores to evaluate beside that of the detector, which no detector can have: oracle_gamma "
        "(two parts added by the weight that is best on the labels of each machine), "
        "oracle_select_on_dev (the part that is best on the labelled dev clips of each machine and "
        "domain), oracle_members (the mean of the 3, 5, 10 or 20 parts that are best there), "
        "transductive_distance (the distances of PosteriorDistance standardised over all test "
        "clips), transductive_zscore (the scores of each domain standardised over all test clips).",
        flag_values=values,
    )


def define_truth_flags(values: flags.FlagValues) -> None:
    """Defines the flags that tell the labels of evaluation clips."""
    flags.DEFINE_string(
        "ground_truth",
        None,
        "Labels of the evaluation clips: folder, zip or CSV of the official evaluator. They are "
        "kept with the run.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "own_labels",
        False,
        "The ground truth is of your own data, and not compared with the official labels.",
        flag_values=values,
    )


def main(argv: list[str] | None = None) -> None:
    """Runs the command and exits."""
    app.run(evaluate, define_flags, DESCRIPTION, argv)


def evaluate(values: flags.FlagValues, positional: list[str]) -> None:
    """Evaluates as the flags say."""
    app.no_arguments(positional)
    if values.run_dir is None:
        raise UsageError("--run_dir is missing: name the folder of a run")

    from asd_tf.cli.messages import report_run
    from asd_tf.run import Run
    from asd_tf.run_evaluation import ALSO, add_ground_truth, evaluate_run

    for name in values.also:
        check_choice("score of --also", name, ALSO)
    run = Run.load(Path(values.run_dir))
    if not (run.detector_folder / "detector.json").exists():
        raise InputError(
            f"{run.folder}: the training has not finished; the command that began it goes on"
        )
    if values.ground_truth is not None:
        add_ground_truth(run, values.ground_truth, values.own_labels)
    report_run(run, *evaluate_run(run, values.tsne, values.also))
