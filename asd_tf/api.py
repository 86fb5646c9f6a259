"""Training and evaluation from Python, as the commands do them.

>>> import asd_tf
>>> result = asd_tf.train("mahalanobis", data_dir=folder, recipe="quick", run_dir=run_dir)
>>> 0 <= result.evaluation.official.score <= 1
True
>>> result.detector.score(files)["status"].unique().tolist()
['ok']
"""

import dataclasses
import functools
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_collections
import pandas as pd

from asd_tf.config import check_choice
from asd_tf.data.channel_windows import channels_apart
from asd_tf.data.decoding.inspection import conversions
from asd_tf.data.layouts.channels import EACH
from asd_tf.data.layouts.detection import is_simulated
from asd_tf.data.layouts.readers import read_clips
from asd_tf.data.simulation.dataset import planned_clips, simulate
from asd_tf.data.simulation.families import DEFAULT_FAMILY, FAMILIES
from asd_tf.data.simulation.options import FamilyOptions
from asd_tf.data.windows import recordings_of
from asd_tf.detector import Detector
from asd_tf.detector.folder import detector_in
from asd_tf.errors import UsageError
from asd_tf.evaluation.results import Evaluation
from asd_tf.experiment import training
from asd_tf.experiment.detector_evaluation import evaluate_detector as _evaluate_detector
from asd_tf.experiment.evaluation import add_ground_truth, evaluate_run
from asd_tf.experiment.recipe import (
    PAPER,
    QUICK,
    build_config,
    check_overrides,
    default_recipe,
)
from asd_tf.experiment.training_cost import times_the_steps
from asd_tf.old_keys import current_assignments, current_values
from asd_tf.progress import progress_over
from asd_tf.run.init_from import check_apart, checked_source, digest_of
from asd_tf.run.lock import locked
from asd_tf.run.run import Run
from asd_tf.run.settings import Settings
from asd_tf.run.stages import check_reusable

_logger = logging.getLogger(__name__)

SIMULATED = Path("data/simulated")


@dataclasses.dataclass(frozen=True)
class Result:
    """A run that was trained and evaluated.

    Attributes:
        run: The run.
        evaluation: Metrics of its labeled test clips; `scored` is the table of all test clips.
        singles: The evaluations of the single runs, where several were fused.
        ensembles: Those of the first run, of the first two, and so on up to all.
    """

    run: Run
    evaluation: Evaluation
    singles: Sequence[Evaluation] = ()
    ensembles: Sequence[Evaluation] = ()

    @functools.cached_property
    def detector(self) -> Detector:
        """The detector, which needs nothing else of the run."""
        return Detector.load(self.run.detector_folder)


def train(
    method: str,
    *,
    data_dir: str | Path | None = None,
    simulated: str | None = None,
    recipe: str | None = None,
    values: Mapping[str, Any] | Sequence[str] = (),
    dataset: str | None = None,
    channel: str | None = None,
    pretrained: str | Path | None = None,
    ground_truth: str | Path | None = None,
    own_labels: bool = False,
    run_dir: str | Path | None = None,
    overwrite: bool = False,
    reuse: str | Path | None = None,
    init_from: str | Path | None = None,
    **settings: Any,
) -> Result:
    """Trains a detector on the normal clips of a dataset, and evaluates it on the labeled ones.

    A run that was interrupted goes on where it was; one that has finished is only evaluated.

    Args:
        method: Name of the method, such as `wilkinghoff`.
        data_dir: Folder of the data, or a manifest (CSV); None for simulated machines.
        simulated: Family of simulated machines in place of `data_dir`: `simple` (the default), made
            in data/simulated, or `plant`, made in data/simulated-plant.
        recipe: Name of a recipe of the method, or a .py file with `get_config()`; by default
            `paper` on an edition of DCASE, or what the method has for it, and `quick` on all other
            data.
        values: What is changed in the recipe: {"train.epochs": 3}, or texts as of the command
            line: ["train.epochs=3"].
        dataset: Layout of the data, such as `dcase2022`; by default found from its names.
        channel: Channel of recordings: near, far, mean or a number from 0; or each, for all
            channels as windows of their own.
        pretrained: Published weights of an encoder, for methods that take some.
        ground_truth: Labels of the evaluation clips, in the files of the official evaluator.
        own_labels: Whether these are not to be compared with the official ones.
        run_dir: Folder of the run; by default runs/METHOD-RECIPE-DATA-seedN.
        overwrite: Whether a run that is in the folder is deleted first.
        reuse: Folder of another run to take finished stages and embeddings from.
        init_from: Folder of a finished run from whose weights the networks start, where name and
            shape are equal.
        settings: Attributes of `Settings`: `seed`, `num_runs`, `untrained`, `mixed_precision`,
            `strategy`, `deterministic` and `on_bad_file`.

    Raises:
        UsageError: If a name or a value is none that is possible; nothing is written.
        InputError: If the data are not as needed.
    """
    if simulated is not None and data_dir is not None:
        raise UsageError("simulated and data_dir exclude each other: give one of them")
    family = simulated or DEFAULT_FAMILY
    check_choice("family", family, FAMILIES)
    renamed: list[str]
    if isinstance(values, Mapping):
        values, renamed = current_values(values)
    else:
        values, renamed = current_assignments(values)
    for line in renamed:
        _logger.info(line)
    # A wrong name is an error before the files are listed, or made.
    check_overrides(method, recipe, values, pretrained)
    data_dir = _made(family) if data_dir is None else Path(data_dir)
    clips, dataset = read_clips(data_dir, dataset, channel)
    machines = clips["machine"].nunique()
    _logger.info("%s: %d clips of %d machines, layout %s", data_dir, len(clips), machines, dataset)
    why = ""
    if recipe is None:
        recipe, why = default_recipe(method, data_dir, dataset)
    config = build_config(method, recipe, values, pretrained)
    if init_from is not None and settings.get("untrained"):
        raise UsageError("init_from and untrained exclude each other: give one of them")
    found = None if init_from is None else checked_source(Path(init_from))
    source = training.warm_source(found, method)
    digest = None if source is None else digest_of(source)
    run_settings = Settings(
        method=method, recipe=recipe, dataset=dataset, init_from=digest, **settings
    )
    folder = default_folder(run_settings, data_dir) if run_dir is None else Path(run_dir)
    reuse = None if reuse is None else check_reusable(Path(reuse))
    check_apart(folder, init_from=found, reuse=reuse)
    policy = run_settings.on_bad_file
    clips, bad = training.prepare(clips, config, method, policy, dataset, channel == EACH)
    if why:
        other = build_config(method, PAPER)
        _logger.info("recipe %s: %s%s", recipe, why, _cost_of_paper(recipe, config, other, clips))
    is_apart = channels_apart(clips) is not None
    for line in conversions(recordings_of(clips), config.data.sample_rate, apart=is_apart):
        _logger.info(line)
    with locked(folder):
        run = Run.open(
            folder,
            run_settings,
            config,
            clips,
            overwrite=overwrite,
            reuse=reuse,
            init_from=source,
        )
        _logger.info("run folder: %s", folder)
        if ground_truth is not None:
            add_ground_truth(run, ground_truth, own_labels)
        training.train(run, bad)
        return Result(run, *evaluate_run(run))


def _cost_of_paper(
    recipe: str,
    config: ml_collections.ConfigDict,
    paper: ml_collections.ConfigDict,
    clips: pd.DataFrame,
) -> str:
    """Says how many steps the recipe of the paper would take instead of a quick one."""
    times = times_the_steps(paper, config, clips)
    if recipe != QUICK or times is None:
        return ""
    number = f"{times:.1f}" if times < 10 else f"{times:,.0f}"
    return f"; --recipe={PAPER} would take about {number} times the gradient steps"


def evaluate(
    run_dir: str | Path,
    *,
    ground_truth: str | Path | None = None,
    own_labels: bool = False,
    extra_scores: Sequence[str] = (),
    tsne: bool = False,
) -> Result:
    """Evaluates a trained run again.

    Args:
        run_dir: Folder of the run.
        ground_truth: Labels of the evaluation clips; they are kept with the run.
        own_labels: Whether these are not to be compared with the official ones.
        extra_scores: Scores to evaluate beside that of the detector, which read labels or all test
            clips: names in `asd_tf.evaluation.extra_scores.registry.EXTRA_SCORES`.
        tsne: Whether the report gets a map of the embeddings by t-SNE.

    Raises:
        InputError: If no finished run is there, or the labels do not fit.
        UsageError: If an extra score is not known, or not for this run.
    """
    run = Run.load(Path(run_dir))
    if ground_truth is not None:
        add_ground_truth(run, ground_truth, own_labels)
    return Result(run, *evaluate_run(run, tsne, extra_scores))


def evaluate_detector(
    detector: Detector | str | Path,
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    **options: Any,
) -> Evaluation:
    """Evaluates a saved detector on labeled data, without the run that made it.

    Args:
        detector: The detector, or its folder, or that of its run.
        data: Folders of data and manifests (CSV); only their test clips are judged.
        out: Folder to write report, metrics, scores and plots to.
        options: `dataset`, `ground_truth`, `own_labels`, `extra_scores` and `tsne`, as in `train`
            and `evaluate`.

    Raises:
        InputError: If the detector or the data are not as needed, or no clip can be judged.
        UsageError: If a name is unknown or impossible, or the folder holds something else.
    """
    detector = detector if isinstance(detector, Detector) else load_detector(detector)
    paths = [data] if isinstance(data, str | Path) else list(data)
    return _evaluate_detector(detector, paths, out, **options)


def load_detector(folder: str | Path, *, require_signature: str | Path | None = None) -> Detector:
    """Loads a detector, from its folder or from that of the run that made it.

    Args:
        folder: One of these folders.
        require_signature: File of the key that must have signed it (`asd-detector sign`); None to
            load it without a signature.

    Raises:
        InputError: If none is there, a file is missing, altered or foreign, or the signature is not
            that of the key.
    """
    return Detector.load(detector_in(folder), require_signature)


def _made(family: str) -> Path:
    """Returns the folder of a family's default data set, which is made if it is not there."""
    name = SIMULATED.name if family == DEFAULT_FAMILY else f"{SIMULATED.name}-{family}"
    return make_simulated(SIMULATED.with_name(name), FAMILIES[family].options())


def make_simulated(folder: Path, options: FamilyOptions) -> Path:
    """Makes a data set of simulated machines where it is not there yet; returns its folder."""
    if is_simulated(folder):
        return simulate(folder, options)
    _logger.info("making simulated machines in %s", folder)
    with progress_over(len(list(planned_clips(options))), "simulate") as progress:
        return simulate(folder, options, lambda done, total: progress(1))


def default_folder(settings: Settings, data_dir: Path) -> Path:
    """Returns where a run goes whose folder is not given."""
    data = data_dir.resolve()
    name = data.stem if data.suffix.lower() == ".csv" else data.name
    name = re.sub(r"[^\w.-]+", "_", name) or "data"
    folder = f"{settings.method}-{Path(settings.recipe).stem}-{name}-seed{settings.seed}"
    if settings.untrained:
        folder += "-untrained"
    if settings.num_runs > 1:
        folder += f"-x{settings.num_runs}"
    return Path("runs") / folder
