"""What the commands say on the terminal."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import tqdm

from asd_tf.data.simulated import SimulationOptions, simulate
from asd_tf.evaluation.evaluate import Evaluation
from asd_tf.evaluation.tables import format_runs_table, format_table
from asd_tf.run import Run


def say(message: str) -> None:
    """Prints a message at once, also into a pipe."""
    print(message, flush=True)


def simulate_with_progress(folder: Path, options: SimulationOptions, say) -> Path:
    """Makes simulated machines, or finds them made, and says which."""
    if not (folder / "simulation.json").exists():
        say(f"making simulated machines in {folder}")
    with contextlib.ExitStack() as stack:
        bar = None

        def progress(done: int, total: int) -> None:
            nonlocal bar
            if bar is None:
                bar = stack.enter_context(tqdm.tqdm(total=total, desc="simulate", unit="clip"))
            bar.update(done - bar.n)

        return simulate(folder, options, progress)


def report_run(run: Run, evaluation: Evaluation, singles: Sequence[Evaluation] = ()) -> None:
    """Prints the metrics of a run, where everything lies, and what to do next."""
    say("")
    say(format_table(evaluation))
    if singles:
        say("")
        say(format_runs_table(singles))
    bad = evaluation.scored["status"].eq("bad_file").sum()
    if bad:
        say(f"\n{bad} test clips could not be read; see {run.evaluation_folder / 'scores.csv'}")
    submission = run.evaluation_folder / "submission"
    submitted = f"\nsubmission   {submission}" if submission.exists() else ""
    say(
        f"""
report       {run.evaluation_folder / "report.html"}
detector     {run.detector_folder}
metrics      {run.evaluation_folder / "metrics.csv"}, metrics.json
scores       {run.evaluation_folder / "scores.csv"}
pictures     {run.evaluation_folder / "roc.png"}, scores.png{submitted}
next         asd-score {run.detector_folder} FILES_OR_FOLDERS   scores new recordings
             asd-evaluate --run_dir={run.folder}   evaluates again
             tensorboard --logdir {run.folder / "tensorboard"}   shows the training"""
    )
