"""`asd-train`: from a folder of clips to a detector and its evaluation."""

from absl import flags

from asd_tf.cli import app
from asd_tf.cli.evaluate import define_truth_flags
from asd_tf.config import method_names
from asd_tf.data.simulation.families import FAMILIES
from asd_tf.errors import UsageError
from asd_tf.experiment.recipe import check_overrides

DESCRIPTION = """
Trains a detector of anomalous machine sounds on normal clips, and evaluates it on labeled ones.

  python train.py --method=wilkinghoff
  python train.py --method=wilkinghoff --data_dir=/data/dcase2022
  python train.py --method=wilkinghoff --data_dir=/factory/clips.csv
  python train.py --method=wilkinghoff --simulated=plant
  python train.py --method=wilkinghoff --set train.epochs=3 --set mixup.probability=0.5

Without --data_dir it uses a small data set of simulated machines, which it makes once;
--simulated=plant is a larger one, as hard as recordings of DCASE.
"""


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
        "Name of a recipe of the method, or a .py file with get_config(); by default `paper` on an "
        "edition of DCASE (`geco`: `shifted` since that of 2021), and `quick` on all other data.",
    )
    text(
        "data_dir",
        None,
        "Folder of the data, or a manifest (CSV); by default simulated clips in data/simulated.",
    )
    flags.DEFINE_enum(
        "simulated",
        None,
        list(FAMILIES),
        "Family of simulated machines to use in place of --data_dir: simple, the default, in "
        "data/simulated, or plant, in data/simulated-plant (see `asd-data simulate`).",
        flag_values=values,
    )
    text(
        "dataset",
        None,
        "Layout of the data: dcase2020 to dcase2026, folder (MACHINE/train, "
        "MACHINE/test/normal and abnormal) or manifest; by default detected from the file names.",
    )
    text(
        "channel",
        None,
        "Which channel of recordings is used: near, far, mean or a number from 0; each: all, as "
        "windows of their own; by default near of dcase2026 and else the mean.",
    )
    text(
        "pretrained",
        None,
        "Published weights of an encoder (a .pt file, a Hugging Face folder or what asd-convert "
        "made) to start from, for methods that use them; none trains an encoder from scratch.",
    )
    text("run_dir", None, "Folder of the run; by default runs/METHOD-RECIPE-DATA-seedN.")
    text("reuse", None, "Folder of another run to take finished stages and embeddings from.")
    text(
        "init_from",
        None,
        "Folder of a finished run from whose weights the networks start, where name and shape are "
        "equal.",
    )
    flags.DEFINE_integer("seed", 0, "Seed of everything random.", flag_values=values)
    flags.DEFINE_integer(
        "num_runs",
        1,
        "Runs with consecutive seeds, fused by adding their scores.",
        lower_bound=1,
        flag_values=values,
    )
    switch("untrained", "Skip all training, as a lower reference for results.")
    switch("overwrite", "Delete the run that is in the run folder first.")
    switch(
        "deterministic",
        "Use only exactly reproducible operations of TensorFlow; slower.",
    )
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
    if values.simulated is not None and values.data_dir is not None:
        raise UsageError("--simulated and --data_dir exclude each other: give one of them")
    # TensorFlow takes seconds to import, and a wrong name should fail at once.
    check_overrides(values.method, values.recipe, values.set, values.pretrained)

    from asd_tf import api
    from asd_tf.cli.messages import report_run

    passed = {name: values[name].value for name in _PASSED}
    report_run(api.train(values=values.set, **passed))


# Flags that are passed to `asd_tf.api.train` under the same names.
_PASSED = (
    "method", "data_dir", "simulated", "recipe", "dataset", "channel", "pretrained", "ground_truth",
    "own_labels", "run_dir", "overwrite", "reuse", "init_from", "seed", "num_runs", "untrained",
    "mixed_precision", "strategy", "deterministic", "on_bad_file",
)  # fmt: skip
