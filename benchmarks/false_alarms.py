"""Promised beside seen false alarms of methods, on simulated machines of several seeds.

    python benchmarks/false_alarms.py --output_dir=/tmp/alarms           hours on two cores
    python benchmarks/false_alarms.py --output_dir=/tmp/alarms --methods=pae --label=pooled \
        --set calibration.domains=pooled

Each method is trained with its recipe `quick` on each data set, in a process of its own. What is
finished in the folder is not trained again. Overrides of the recipe make runs of another name
(`--label`), which are compared with those of the first label that is there.
"""

import argparse
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.data.simulation.dataset import simulate
from asd_tf.data.simulation.families import FAMILIES
from asd_tf.files import read_json

TRAIN = (sys.executable, "-c", "from asd_tf.cli.train import main; main()")
MACHINES = {"simple": "bearing,fan,gearbox,valve", "plant": "compressor,fan,pump,slider"}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", type=Path, required=True, help="folder for data and runs")
    parser.add_argument("--methods", default="", help="train these methods; none for the table")
    parser.add_argument("--families", default="simple,plant")
    parser.add_argument("--data_seeds", default="31,32,33")
    parser.add_argument("--sections", type=int, default=1, help="sections of each machine")
    parser.add_argument("--train_source", type=int, default=90, help="source clips of a section")
    parser.add_argument("--train_target", type=int, default=10, help="target clips of a section")
    parser.add_argument("--test", type=int, default=50, help="test clips of each kind and domain")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a clip")
    parser.add_argument("--label", default="default", help="name of these settings in the table")
    parser.add_argument("--set", action="append", default=[], help="override of the recipe")
    arguments = parser.parse_args()
    for family in arguments.families.split(","):
        for seed in arguments.data_seeds.split(","):
            data = simulated(arguments, family, int(seed))
            for method in filter(None, arguments.methods.split(",")):
                run(arguments, data, method)
    print(table(arguments.output_dir))


def simulated(arguments: argparse.Namespace, family: str, seed: int) -> Path:
    """Makes a data set, unless it is there."""
    options = FAMILIES[family].options(
        machines=tuple(MACHINES[family].split(",")),
        sections=arguments.sections,
        seconds=arguments.seconds,
        train_source=arguments.train_source,
        train_target=arguments.train_target,
        test_normal=arguments.test,
        test_anomaly=arguments.test,
        seed=seed,
    )
    return simulate(arguments.output_dir / "data" / f"{family}-{seed}", options)


def run(arguments: argparse.Namespace, data: Path, method: str) -> None:
    """Trains and evaluates a method on a data set, unless it is done."""
    folder = arguments.output_dir / f"{data.name}-{method}-{arguments.label}"
    if (folder / "evaluation" / "metrics.json").exists():
        return
    flags = [f"--method={method}", f"--data_dir={data}", "--recipe=quick", f"--run_dir={folder}"]
    flags += [part for text in arguments.set for part in ("--set", text)]
    with (arguments.output_dir / f"{folder.name}.log").open("w") as log:
        status = subprocess.run([*TRAIN, *flags], stdout=log, stderr=log, check=False).returncode
    print(f"{folder.name}: {'done' if status == 0 else f'failed, see {log.name}'}", flush=True)


def figures(folder: Path) -> pd.DataFrame:
    """Returns a row for each run and machine: seen shares of both domains, official score."""
    rows = []
    for path in sorted(folder.glob("*/evaluation/metrics.json")):
        family, seed, method, label = path.parts[-3].split("-", 3)
        metrics = read_json(path)
        key = {"family": family, "seed": seed, "method": method, "label": label}
        seen = pd.DataFrame(metrics["false_alarms"]).query("section == 'all'")
        shares = seen.pivot_table(index="machine", columns="domain", values="seen")
        for machine, of_machine in shares.iterrows():
            rows.append(
                {
                    **key,
                    "machine": machine,
                    "source": of_machine["source"],
                    "target": of_machine["target"],
                    "official": metrics["official_score"],
                }
            )
    return pd.DataFrame(rows)


def table(folder: Path) -> str:
    """Returns the figures of a folder as a table in Markdown, in percent."""
    found = figures(folder)
    if found.empty:
        return "nothing is trained yet"
    lines = [
        "| family | method | settings | data sets | source | mean difference | target "
        "| mean difference | worst | official score | paired difference |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (family, method), of_method in found.groupby(["family", "method"]):
        base = of_method.groupby("label")["official"].mean().index[0]
        for label, runs in of_method.groupby("label"):
            source, target = 100 * runs["source"], 100 * runs["target"]
            off = [np.mean(np.abs(values - 10)) for values in (source, target)]
            paired = _paired(of_method, base, label)
            lines.append(
                f"| {family} | {method} | {label} | {runs['seed'].nunique()} "
                f"| {source.mean():.1f} | {off[0]:.1f} | {target.mean():.1f} | {off[1]:.1f} "
                f"| {max(source.max(), target.max()):.0f} | {100 * runs['official'].mean():.1f} "
                f"| {paired} |"
            )
    return "\n".join(lines)


def _paired(runs: pd.DataFrame, base: str, label: str) -> str:
    """Returns the mean difference to the base over data sets, and its standard error."""
    scores = runs.drop_duplicates(["seed", "label"]).pivot(
        index="seed", columns="label", values="official"
    )
    difference = 100 * (scores[label] - scores[base]).dropna()
    if label == base or len(difference) < 2:
        return ""
    return f"{difference.mean():+.1f} ± {difference.std(ddof=1) / math.sqrt(len(difference)):.1f}"


if __name__ == "__main__":
    main()
