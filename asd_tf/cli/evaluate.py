"""`asd-evaluate`: evaluates a trained run again."""

from absl import flags

from asd_tf.cli import app
from asd_tf.errors import UsageError

DESCRIPTION = """
Scores and evaluates the labeled test clips of a trained run again.

  python evaluate.py --run_dir=runs/wilkinghoff-quick-simulated-seed0
  python evaluate.py --run_dir=RUN --ground_truth=dcase2022_evaluator-main.zip
  python evaluate.py --run_dir=RUN_OF_GECO --extra_scores=oracle_gamma
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("run_dir", None, "Folder of the run.", flag_values=values)
    define_truth_flags(values)
    define_report_flags(values)


def define_report_flags(values: flags.FlagValues) -> None:
    """Defines the flags of what is added to the results."""
    flags.DEFINE_bool(
        "tsne", False, "Add a map of the embeddings by t-SNE to the report.", flag_values=values
    )
    flags.DEFINE_list(
        "extra_scores",
        [],
        "Scores to evaluate beside that of the detector. No detector can have them, since they "
        "need labels or all test clips at once: oracle_gamma, oracle_select_on_dev, "
        "oracle_best_parts, transductive_distance, transductive_zscore (docs/evaluation.md).",
        flag_values=values,
    )


def define_truth_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the labels of evaluation clips."""
    flags.DEFINE_string(
        "ground_truth",
        None,
        "Labels of the evaluation clips: folder, zip or CSV of the official evaluator. Those of a "
        "run are kept with it.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "own_labels",
        False,
        "The ground truth is for your own data, and not compared with the official labels.",
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

    from asd_tf import api
    from asd_tf.cli.messages import report_run

    names = ("ground_truth", "own_labels", "extra_scores", "tsne")
    report_run(api.evaluate(values.run_dir, **{name: values[name].value for name in names}))
