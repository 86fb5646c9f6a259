"""The results that the commands print."""

from collections.abc import Iterator
from pathlib import Path

from asd_tf.api import Result
from asd_tf.cli import app
from asd_tf.evaluation.parts import better_parts_line
from asd_tf.evaluation.results import Evaluation
from asd_tf.evaluation.text_tables import (
    format_ensembles_table,
    format_runs_table,
    format_table,
)
from asd_tf.run.run import Run


def report_run(result: Result) -> None:
    """Prints the metrics of a run, the paths of its results, and possible next commands."""
    run, evaluation = result.run, result.evaluation
    app.echo("")
    app.echo(format_table(evaluation))
    if result.singles:
        app.echo("")
        app.echo(format_runs_table(result.singles))
        app.echo("")
        app.echo(format_ensembles_table(result.ensembles))
    _report_unreadable(evaluation, run.evaluation_folder)
    app.echo("")
    for name, text in _results(run):
        app.echo(f"{name:<13}{text}")
    _report_better_parts(evaluation)


def report_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Prints the metrics of a detector, and the paths of its evaluation."""
    app.echo("")
    app.echo(format_table(evaluation))
    _report_unreadable(evaluation, folder)
    app.echo("")
    for name, text in _files(folder):
        app.echo(f"{name:<13}{text}")
    _report_better_parts(evaluation)


def _report_unreadable(evaluation: Evaluation, folder: Path) -> None:
    bad = evaluation.scored["status"].eq("bad_file").sum()
    if bad:
        app.echo(f"\n{bad} test clips could not be read; see {folder / 'scores.csv'}")


def _report_better_parts(evaluation: Evaluation) -> None:
    line = better_parts_line(evaluation)
    if line:
        app.echo(f"\n{line}")


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yields name and path of the files of an evaluation."""
    yield "report", f"{folder / 'report.html'}"
    yield "metrics", f"{folder / 'metrics.csv'}, metrics.json"
    yield "scores", f"{folder / 'scores.csv'}"
    plots = [
        name for name in ("roc.png", "scores.png", "reliability.png") if (folder / name).exists()
    ]
    if plots:
        yield "plots", f"{folder / plots[0]}" + "".join(f", {name}" for name in plots[1:])
    if (folder / "submission").exists():
        yield "submission", f"{folder / 'submission'}"


def _results(run: Run) -> Iterator[tuple[str, str]]:
    """Yields name and text of the results of a run, and of possible next commands."""
    yield from _files(run.evaluation_folder)
    yield "detector", f"{run.detector_folder}"
    yield "next", f"asd-score {run.detector_folder} FILES_OR_FOLDERS   scores new recordings"
    yield "", f"asd-evaluate --run_dir={run.folder}   evaluates again"
    if (run.folder / "tensorboard").exists():
        yield "", f"tensorboard --logdir {run.folder / 'tensorboard'}   shows the training"
