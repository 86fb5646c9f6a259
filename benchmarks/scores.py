"""The scores of all methods on simulated machines, as mean and standard deviation over seeds.

    python benchmarks/scores.py --output_dir=/tmp/scores               hours on two cores
    python benchmarks/scores.py --output_dir=/tmp/scores --methods=mahalanobis,pae --untrained

Each method is trained with its recipe `quick`, in a process of its own. What is finished in the
folder is not trained again, so that a run that was interrupted goes on, and the figures of two
environments can be compared by a folder for each:

    python benchmarks/scores.py --compare /tmp/scores-a /tmp/scores-b
"""

import argparse
import functools
import math
import subprocess
import sys
from pathlib import Path

from asd_tf.data.simulation.dataset import simulate
from asd_tf.data.simulation.families import FAMILIES
from asd_tf.files import read_json
from asd_tf.methods.registry import MODULES

TRAIN = (sys.executable, "-c", "from asd_tf.cli.train import main; main()")
COLUMNS = {
    "official score": ("official_score",),
    "AUC source": ("means", "auc_source"),
    "AUC target": ("means", "auc_target"),
    "pAUC": ("means", "pauc"),
}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", type=Path, help="folder for data and runs")
    parser.add_argument("--compare", type=Path, nargs=2, help="two such folders, nothing is run")
    parser.add_argument("--methods", default=",".join(MODULES), help="only these methods")
    parser.add_argument("--family", default="simple", choices=list(FAMILIES))
    parser.add_argument("--machines", help="only these machines of the family")
    parser.add_argument("--sections", type=int, default=2, help="sections of each machine")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a clip")
    parser.add_argument("--data_seed", type=int, default=0, help="seed of the data set")
    parser.add_argument("--num_runs", type=int, default=3, help="seeds of the training, from 0 on")
    parser.add_argument("--untrained", action="store_true", help="leave out the training")
    arguments = parser.parse_args()
    if arguments.compare:
        compare(*arguments.compare)
        return
    data = simulated(arguments)
    for method in arguments.methods.split(","):
        run(arguments, data, method)
    print(table(arguments.output_dir))


def simulated(arguments: argparse.Namespace) -> Path:
    """Makes the data set, unless it is there."""
    chosen = {"machines": tuple(arguments.machines.split(","))} if arguments.machines else {}
    options = FAMILIES[arguments.family].options(
        sections=arguments.sections, seconds=arguments.seconds, seed=arguments.data_seed, **chosen
    )
    return simulate(arguments.output_dir / "data" / _data_name(arguments), options)


def run(arguments: argparse.Namespace, data: Path, method: str) -> None:
    """Trains and evaluates a method, unless it is done."""
    untrained = "-untrained" if arguments.untrained else ""
    folder = arguments.output_dir / f"{_data_name(arguments)}-{method}{untrained}"
    if (folder / "evaluation" / "runs.json").exists():
        return
    flags = [f"--method={method}", f"--data_dir={data}", "--recipe=quick", f"--run_dir={folder}"]
    flags += [f"--num_runs={arguments.num_runs}", f"--untrained={arguments.untrained}"]
    with (arguments.output_dir / f"{folder.name}.log").open("w") as log:
        status = subprocess.run([*TRAIN, *flags], stdout=log, stderr=log, check=False).returncode
    print(f"{folder.name}: {'done' if status == 0 else f'failed, see {log.name}'}", flush=True)


def _data_name(arguments: argparse.Namespace) -> str:
    return f"{arguments.family}-seed{arguments.data_seed}"


def figures(folder: Path) -> dict[str, dict[str, dict]]:
    """Returns, for each run and column, the `mean`, `std` and values (`each`)."""
    found = {}
    for path in sorted(folder.glob("*/evaluation/runs.json")):
        whole = read_json(path)
        found[path.parts[-3]] = {
            name: functools.reduce(dict.__getitem__, keys, whole) for name, keys in COLUMNS.items()
        }
    return found


def table(folder: Path) -> str:
    """Returns the figures of a folder as a table in Markdown, in percent."""
    lines = [f"| run | {' | '.join(COLUMNS)} |", f"|---|{'---|' * len(COLUMNS)}"]
    for name, of_run in figures(folder).items():
        lines.append(f"| `{name}` | {' | '.join(map(_text, of_run.values()))} |")
    return "\n".join(lines)


def compare(first: Path, second: Path) -> None:
    """Prints the official scores of two folders, and their differences in standard errors."""
    print(f"| run | {first.name} | {second.name} | difference | standard errors |")
    print("|---|---|---|---|---|")
    ours, theirs = figures(first), figures(second)
    for name in sorted(set(ours) & set(theirs)):
        a, b = (found[name]["official score"] for found in (ours, theirs))
        difference = b["mean"] - a["mean"]
        error = math.hypot(*(found["std"] / math.sqrt(len(found["each"])) for found in (a, b)))
        ratio = f"{difference / error:+.1f}" if error else "none"
        print(f"| `{name}` | {_text(a)} | {_text(b)} | {100 * difference:+.2f} | {ratio} |")


def _text(found: dict) -> str:
    return f"{100 * found['mean']:.2f} ± {100 * found['std']:.2f}"


if __name__ == "__main__":
    main()
