"""What the ensemble has of its parts, of its rule and of its weights, on simulated machines.

    python benchmarks/ensemble.py                       seeds 11 and 12 of `plant`, half an hour
    python benchmarks/ensemble.py --seeds=11 --machines=fan --set pae.train.epochs=1

One ensemble is trained for each seed. The other rows are fused of the scores of its parts, which
the run keeps. A random part has scores that are drawn anew for every clip, also for those that
calibrate it and for pseudo-faults. Scores are official ones of the DCASE editions since 2022, in
percent.
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

import asd_tf
from asd_tf.data.simulation.dataset import simulate
from asd_tf.data.simulation.families import FAMILIES
from asd_tf.detector import Detector
from asd_tf.evaluation.results import evaluate
from asd_tf.scoring.fault_weights import fault_weights
from asd_tf.scoring.fusion import FittedFusion, Fusion

KEY = ["machine", "section", "clip_id"]
DRAWS, RANDOM_PARTS, FAULTS = 5, 3, 100


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", default="plant", choices=list(FAMILIES))
    parser.add_argument("--seeds", default="11,12", help="seeds of data and trainings")
    parser.add_argument("--machines", default="fan,pump,gearbox,bearing", help="these machines")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a clip")
    parser.add_argument("--recipe", default="quick", help="recipe of the ensemble")
    parser.add_argument("--set", action="append", default=[], help="changes of the recipe")
    parser.add_argument("--folder", type=Path, help="where data and runs are kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        rows = {seed: measure(arguments, folder, int(seed)) for seed in arguments.seeds.split(",")}
    table = pd.DataFrame(rows).rename(columns="seed {}".format)
    print(table.assign(mean=table.mean(axis=1)).round(2).to_string())


def measure(arguments: argparse.Namespace, folder: Path, seed: int) -> dict[str, float]:
    """Trains the ensemble of a seed, and returns name to official score in percent."""
    data, run = folder / f"data-{seed}", folder / f"run-{seed}"
    if not data.exists():
        machines = tuple(arguments.machines.split(","))
        options = FAMILIES[arguments.family].options(
            machines=machines, sections=1, seconds=arguments.seconds, seed=seed
        )
        simulate(data, options)
    asd_tf.train(
        "ensemble", data_dir=data, recipe=arguments.recipe, values=arguments.set, seed=seed,
        run_dir=run,
    )  # fmt: skip
    scores = PartScores.of(run)
    print(f"seed {seed}: AUC of pseudo-faults by {', '.join(scores.parts)}")
    for machine, aucs in scores.aucs.items():
        print(f"  {machine}: {', '.join(f'{auc:.3f}' for auc in aucs)}", flush=True)
    return rows_of(scores)


class PartScores:
    """The scores of the parts of an ensemble.

    Args:
        test: Scored table with a column for each part.
        calibration: Scores of the clips that calibrate all parts, with a column for each.
        aucs: Machine to the AUC of the pseudo-faults by each part.
        parts: Names of the parts.
    """

    def __init__(
        self,
        test: pd.DataFrame,
        calibration: pd.DataFrame,
        aucs: Mapping[str, list[float]],
        parts: list[str],
    ):
        self.test, self.calibration, self.aucs, self.parts = test, calibration, aucs, parts

    @classmethod
    def of(cls, run: Path) -> "PartScores":
        """Reads them from a run."""
        detector = Detector.load(run / "detector")
        test = pd.read_csv(run / "evaluation" / "scores.csv", dtype={"section": str})
        test["label"] = test["label"].astype("Int64")
        tables = [
            part.calibration.set_index(KEY)["score"].rename(name)
            for name, part in detector.parts.items()
        ]
        calibration = pd.concat(tables, axis=1, join="inner").reset_index()
        aucs = detector.manifest["pseudo_fault_auc"]
        return cls(test, calibration, aucs, list(detector.parts))

    def only(self, parts: list[str]) -> "PartScores":
        """Returns the scores of some of the parts."""
        places = [self.parts.index(part) for part in parts]
        aucs = {machine: [of[place] for place in places] for machine, of in self.aucs.items()}
        return PartScores(self.test, self.calibration, aucs, parts)

    def with_random(self, rng: np.random.Generator) -> "PartScores":
        """Returns them with parts that know nothing."""
        names = [f"random {number}" for number in range(RANDOM_PARTS)]
        drawn = {name: rng.normal(size=len(self.test)) for name in names}
        normal = {name: rng.normal(size=len(self.calibration)) for name in names}
        aucs = {}
        for machine, known in self.aucs.items():
            count = int(self.calibration["machine"].eq(machine).sum())
            labels = np.repeat([0, 1], [count, FAULTS])
            random = [roc_auc_score(labels, rng.normal(size=len(labels))) for _ in names]
            aucs[machine] = [*known, *random]
        return PartScores(
            self.test.assign(**drawn), self.calibration.assign(**normal), aucs,
            [*self.parts, *names],
        )  # fmt: skip

    def official(self, rule: str, weighted: bool = False) -> float:
        """Returns the official score of their fusion, in percent."""
        weights = {machine: fault_weights(aucs) for machine, aucs in self.aucs.items()}
        fusion = Fusion(rule, machine_weights=weights if weighted else None)
        groups = zip(self.test["machine"], self.test["section"], strict=True)
        fused = FittedFusion(fusion, self.calibration, self.parts)(
            self.test[self.parts].to_numpy(float).T, groups
        )
        score = evaluate(self.test.assign(score=fused), "dcase2022").official.score
        return 100 * score


def rows_of(scores: PartScores) -> dict[str, float]:
    """Returns name to official score of parts, fusions of some, and fusions with random parts."""
    rows = {part: scores.only([part]).official("max") for part in scores.parts}
    rows["ensemble: max, weighted"] = scores.official("max", weighted=True)
    rows["max, equal weights"] = scores.official("max")
    rows["sum, equal weights"] = scores.official("sum")
    for part in scores.parts if len(scores.parts) > 1 else ():
        others = [name for name in scores.parts if name != part]
        rows[f"without {part}"] = scores.only(others).official("max", weighted=True)
    drawn = [scores.with_random(np.random.default_rng(seed)) for seed in range(DRAWS)]
    for name, rule, weighted in (
        ("max, weighted", "max", True), ("max, equal weights", "max", False),
        ("sum, equal weights", "sum", False),
    ):  # fmt: skip
        found = [with_random.official(rule, weighted) for with_random in drawn]
        rows[f"{RANDOM_PARTS} random parts added: {name}"] = float(np.mean(found))
    return rows


if __name__ == "__main__":
    main()
