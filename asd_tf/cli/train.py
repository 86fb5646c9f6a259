"""`asd-train`: from a folder of clips to a detector and its evaluation."""

import dataclasses
import re
from pathlib import Path

import ml_collections
from absl import flags

from asd_tf.cli import app
from asd_tf.cli.evaluate import define_truth_flags
from asd_tf.config import apply_overrides, check_choice, load_recipe, method_names
from asd_tf.errors import UsageError

DESCRIPTION = """
Trains a detector of anomalous machine sounds on normal clips, and evaluates it on labelled ones.

  python train.py --method=wilkinghoff
  python train.py --method=wilkinghoff --data_dir=/data/dcase2022
  python train.py --method=wilkinghoff --data_dir=/factory/clips.csv
  python train.py --method=wilkinghoff --set train.epochs=3 --set backend.kmeans_on=source

Without --data_dir it makes a small data set of simulated machines, once.
"""

SIMULATED = Path("data/simulated")


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""

    def text(name, default, description):
        flags.DEFINE_string(name, default, description, flag_values=values)

    def switch(name, description):
        flags.DEFINE_bool(name, False, description, flag_values=values)

    text("method", None, f"The system: {', '.join(method_names())}.")
    text(
        "recipe",
        None,
        "Name of a recipe of the method, or a .py file with get_config(); by default `paper`, and "
        "`quick` on simulated data.",
    )
    text(
        "data_dir",
        None,
        f"Folder of the data, or a manifest (CSV); by default simulated clips in {SIMULATED}.",
    )
    text(
        "dataset",
        None,
        "Layout of the data: dcase2020 to dcase2026, folder (MACHINE/train, "
        "MACHINE/test/normal and abnormal) or manifest; by default told by its names.",
    )
    text(
        "channel",
        None,
        "Which channel of recordings is heard: near, far, mean or a number from 0; by default near "
        "of dcase2026 and else the mean.",
    )
    text(
        "pretrained",
        None,
        "Published weights of an encoder (a .pt file, a Hugging Face folder or what asd-convert "
        "made) to start from, for methods that take some; none trains one from nothing.",
    )
    text("run_dir", None, "Folder of the run; by default runs/METHOD-RECIPE-DATA-seedN.")
    text("reuse", None, "Folder of another run to take finished stages and embeddings from.")
    flags.DEFINE_integer("seed", 0, "Seed of everything random.", flag_values=values)
    flags.DEFINE_integer(
        "num_runs",
        1,
        "Runs with consecutive seeds, fused by adding their scores.",
        lower_bound=1,
        flag_values=values,
    )
    switch("untrained", "Skip all training: the floor of a report.")
    switch("overwrite", "Delete the run that is in the run folder first.")
    switch("deterministic", "Hold TensorFlow to operations that repeat to the last bit; slower.")
    define_truth_flags(values)
    flags.DEFINE_multi_string(
        "set", [], "Change a value of the recipe, as key=value; repeats.", flag_values=values
    )
    for name, choices, description in (
        (
            "mixed_precision",
            ["float32", "mixed_float16", "mixed_bfloat16"],
            "Precision of the network.",
        ),
        ("strategy", ["one_device", "mirrored"], "One device, or all visible GPUs."),
        ("on_bad_file", ["fail", "skip"], "Stop at unreadable files, or leave them out."),
    ):
        flags.DEFINE_enum(name, choices[0], choices, description, flag_values=values)


def main(argv: list[str] | None = None) -> None:
    """Runs the command and exits."""
    app.run(train, define_flags, DESCRIPTION, argv)


def train(values: flags.FlagValues, positional: list[str]) -> None:
    """Trains and evaluates as the flags say."""
    app.no_arguments(positional)
    if values.method is None:
        raise UsageError(f"--method is missing: choose from {', '.join(method_names())}")
    check_choice("method", values.method, method_names())
    recipe = values.recipe or ("quick" if _is_simulated(values.data_dir) else "paper")
    config = load_recipe(values.method, recipe)
    apply_overrides(config, [*_of_pretrained(values, config), *values.set])

    # TensorFlow takes seconds to import, and a wrong command should fail at once.
    from asd_tf import experiment
    from asd_tf.cli.messages import report_run, say
    from asd_tf.data.inspection import conversions
    from asd_tf.data.readers import read_clips
    from asd_tf.run import Run, Settings
    from asd_tf.run_evaluation import add_ground_truth, evaluate_run

    data_dir = Path(values.data_dir) if values.data_dir else _simulate(say)
    clips, dataset = read_clips(data_dir, values.dataset, values.channel)
    say(
        f"{data_dir}: {len(clips)} clips of {clips['machine'].nunique()} machines, layout {dataset}"
    )
    settings = Settings(
        method=values.method,
        recipe=recipe,
        dataset=dataset,
        **{
            field.name: values[field.name].value
            for field in dataclasses.fields(Settings)
            if field.name not in ("method", "recipe", "dataset")
        },
    )
    clips, bad = experiment.prepare(clips, config, settings.on_bad_file)
    for line in conversions(clips, config.data.sample_rate):
        say(line)
    folder = Path(values.run_dir) if values.run_dir else _default_folder(settings, data_dir)
    reuse = Path(values.reuse) if values.reuse else None
    run = Run.open(folder, settings, config, clips, overwrite=values.overwrite, reuse=reuse)
    say(f"run folder: {folder}")
    if values.ground_truth is not None:
        add_ground_truth(run, values.ground_truth, values.own_labels)
    experiment.train(run, bad, say)
    report_run(run, *evaluate_run(run))


def _of_pretrained(values: flags.FlagValues, config: ml_collections.ConfigDict) -> list[str]:
    """Returns what --pretrained sets in a recipe."""
    if values.pretrained is None:
        return []
    if "pretrained" not in config.get("encoder", {}):
        raise UsageError(
            f"--pretrained={values.pretrained}: {values.method} takes no pre-trained weights"
        )
    return [f"encoder.pretrained={values.pretrained}"]


def _is_simulated(data_dir: str | None) -> bool:
    return data_dir is None or (Path(data_dir) / "simulation.json").exists()


def _simulate(say) -> Path:
    """Makes the default simulated data set where it is not there yet."""
    from asd_tf.cli.messages import simulate_with_progress
    from asd_tf.data.simulated import SimulationOptions

    return simulate_with_progress(SIMULATED, SimulationOptions(), say)


def _name_of(data: Path) -> str:
    return data.stem if data.suffix.lower() == ".csv" else data.name


def _default_folder(settings, data_dir: Path) -> Path:
    recipe = Path(settings.recipe).stem
    data = re.sub(r"[^\w.-]+", "_", _name_of(data_dir.resolve())) or "data"
    name = f"{settings.method}-{recipe}-{data}-seed{settings.seed}"
    if settings.untrained:
        name += "-untrained"
    if settings.num_runs > 1:
        name += f"-x{settings.num_runs}"
    return Path("runs") / name
