"""The system of Zheng et al., ICASSP 2025.

"Improving anomalous sound detection via low-rank adaptation fine-tuning of pre-trained audio
models". A pre-trained encoder (Section 2.3) is fine-tuned by low-rank adaptation (2.4) to classify
machines and their attributes with ArcFace (2.5), on masked filter banks (2.2). The anomaly score is
the distance to the nearest embedding of the source or of the target domain (2.6).
"""

import logging
from pathlib import Path
from typing import NamedTuple

import keras
import ml_collections
import numpy as np
import pandas as pd

from asd_tf.augmentation.mixup import LABEL_RULES
from asd_tf.checkpoints.adapter import save_adapter
from asd_tf.checkpoints.load import Pretrained
from asd_tf.config import usage_errors
from asd_tf.data.groups import Group, groups_of
from asd_tf.errors import UsageError
from asd_tf.methods.common.checks import check_recipe
from asd_tf.methods.common.class_labels import class_names, number_classes
from asd_tf.methods.common.labeled_waveforms import LabeledWaveforms
from asd_tf.methods.common.pretrained import (
    check_length,
    check_pretrained,
    check_rate,
    read_pretrained,
    shape_of,
)
from asd_tf.methods.zheng.embedding_networks import (
    LOSSES,
    build_network,
    loss_layer,
    over_clips,
    parts_of,
    start_from,
    training_model,
    warmup_steps,
    without_dropout,
)
from asd_tf.methods.zheng.quick_encoder import fill_in_encoder
from asd_tf.models.encoders.build import FAMILIES, kind_of
from asd_tf.models.encoders.config import EncoderConfig
from asd_tf.models.encoders.lora import LoraPlan, freeze_all_but_lora, parameter_counts
from asd_tf.models.layers.pooling import POOLINGS
from asd_tf.run import networks
from asd_tf.run.fit_detector import fit_detector, scorer_of
from asd_tf.run.run import Run
from asd_tf.scoring.scorers import Scorer
from asd_tf.training.stage import Stage

_logger = logging.getLogger(__name__)

TUNINGS = ("lora", "full", "frozen")

# The training from scratch reads some keys of `train`, too.
OF_SCRATCH = (
    "data", "networks", "encoder", "head", "loss", "mixup", "spec_augment", "scratch",
    "train.accumulate", "train.layer_decay", "train.recompute",
)  # fmt: skip
OF_TUNING = (*OF_SCRATCH, "tuning", "lora", "train")

CHOICES = {
    "head.pooling": POOLINGS,
    "loss.kind": LOSSES,
    "mixup.label_rule": LABEL_RULES,
    "networks": ("one", "each_subset"),
    "tuning": TUNINGS,
}
LIMITS = {
    "encoder.segment_seconds": (0.2, 600.0),
    "lora.alpha": (1e-3, 1e6),
    "lora.boost": (1e-3, 1e3),
    "scratch.epochs": (0, 10**6),
    "scratch.warmup_share": (0.0, 1.0),
    "train.epochs": (0, 10**6),
    "train.layer_decay": (0.0, 1.0),
    "train.warmup_share": (0.0, 1.0),
}


class Task(NamedTuple):
    """What a network is trained on.

    Attributes:
        name: Name of its extractor.
        indices: Indices of the training clips that it uses.
        classes: Number of classes.
        class_ids: [clips] int, class of each training clip; used at `indices` only.
    """

    name: str
    indices: np.ndarray
    classes: int
    class_ids: np.ndarray


def fill_in(config: ml_collections.ConfigDict, dataset: str) -> None:
    """Chooses the encoder of `quick`; see `asd_tf.methods.registry.Method`."""
    fill_in_encoder(config)


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks recipe and clips; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, CHOICES, LIMITS)
    check_rate(config)
    check_pretrained(config)
    check_length(config)
    if config.tuning == "lora" and not FAMILIES[config.encoder.kind].adaptable:
        raise UsageError(
            f"tuning=lora: {config.encoder.kind} has no dense layers, which LoRA adapts: "
            "--set tuning=full, or frozen"
        )
    shape = shape_of(config, read_pretrained(config))
    with usage_errors(config):
        LoraPlan(**config.lora).rank_of("q", 0, shape.depth)
        loss_layer(config, 2)
    tasks_of(config, clips[clips["split"] == "train"].reset_index(drop=True))
    scorer_of(config, "embedding")


def fit(run: Run) -> None:
    """Fine-tunes the encoder, embeds the training clips, and fits the backends."""
    config = run.config
    pretrained = read_pretrained(config)
    tasks = tasks_of(config, run.train_clips)
    stages = (pretrained is None) + (config.tuning != "frozen") + 1
    extractors = {
        task.name: _extractor(run, task, pretrained, order=1 + stages * index)
        for index, task in enumerate(tasks)
    }
    name_of = {
        group: task.name
        for task in tasks
        for group in groups_of(run.train_clips.iloc[task.indices])
    }

    def scorers(group: Group) -> list[Scorer]:
        return [scorer_of(config, name_of[group])]

    fit_detector(run, extractors, scorers)


def tasks_of(config: ml_collections.ConfigDict, train_clips: pd.DataFrame) -> list[Task]:
    """Numbers the classes, machine and section and attributes (Section 2.5), of each network.

    Raises:
        InputError: If a network that is trained has fewer than two classes.
    """
    names = class_names(train_clips, attributes=True, domains=False)
    parts = {"embedding": np.arange(len(train_clips))}
    if config.networks == "each_subset":
        by_subset = train_clips.groupby("subset", sort=True).groups
        parts = {subset: indices.to_numpy() for subset, indices in by_subset.items()}
    tasks = []
    for name, indices in parts.items():
        class_ids = np.zeros(len(train_clips), int)
        classes: list[str] = []
        if config.tuning != "frozen":
            classes, class_ids[indices] = number_classes(names.iloc[indices])
        tasks.append(Task(name, indices, len(classes), class_ids))
    return tasks


def _extractor(run: Run, task: Task, pretrained: Pretrained | None, order: int) -> Path:
    """Trains and exports a network; returns the folder of its extractor.

    Args:
        run: The run.
        task: What it is trained on.
        pretrained: Its initial weights; None to train an encoder from scratch first.
        order: The order of its first stage, see `Stages.open`.
    """
    config = run.config
    shape = shape_of(config, pretrained)
    network: Pretrained | keras.Model | None = pretrained
    if pretrained is None:
        stage = run.stage(f"scratch-{task.name}", OF_SCRATCH, order)
        network = _train(run, stage, task, shape, None, config.scratch, None)
        order += 1
    if config.tuning != "frozen":
        stage = run.stage(f"tuning-{task.name}", OF_TUNING, order)
        plan = LoraPlan(**config.lora) if config.tuning == "lora" else None
        network = _train(run, stage, task, shape, network, config.train, plan)

    def plain(stage: Stage) -> keras.Model:
        embedder = build_network(config, without_dropout(shape), run.samples)
        start_from(embedder, network)
        return over_clips(embedder, run.samples)

    return networks.export(run, f"extractor-{task.name}", OF_TUNING, plain)


def _train(
    run: Run,
    stage: Stage,
    task: Task,
    shape: EncoderConfig,
    start: Pretrained | keras.Model | None,
    train: ml_collections.ConfigDict,
    plan: LoraPlan | None,
) -> keras.Model:
    """Trains a network from its initial weights, or loads the result of the stage."""
    config = run.config
    epochs, steps = train.epochs, networks.steps_per_epoch(train, len(task.indices))

    def build() -> tuple[keras.Model, keras.Model]:
        network = build_network(config, shape, run.samples, parts_of(config, shape, plan, stage))
        if start is not None:
            start_from(network, start)
        if plan is not None:
            freeze_all_but_lora(network.get_layer(kind_of(shape)))
        return network, training_model(config, network, task.classes, train, epochs * steps)

    network, model = networks.build(run, stage.seed, build)
    if not stage.done:
        trained, total = parameter_counts(network)
        _log_warm_up(stage.name, config, train, epochs * steps)
        _logger.info(
            "%s: %s of %s parameters are trained", stage.name, f"{trained:,}", f"{total:,}"
        )
    networks.train(
        run,
        stage,
        model,
        LabeledWaveforms(
            run,
            stage,
            task.indices,
            task.class_ids,
            task.classes,
            network.input_shape[1],
            train.batch_size,
            mix_probability=config.mixup.probability,
            label_rule=config.mixup.label_rule,
        ),
        epochs=epochs,
        steps_per_epoch=steps,
    )
    if plan is not None and not (stage.folder / "adapter.safetensors").exists():
        save_adapter(stage.folder / "adapter.safetensors", network, plan)
    return network


def _log_warm_up(
    name: str, config: ml_collections.ConfigDict, train: ml_collections.ConfigDict, steps: int
) -> None:
    used = warmup_steps(config, train, steps)
    if used < train.warmup_steps:
        _logger.info(
            "%s: the warm-up takes %d optimizer steps instead of %d, a share of %g of all "
            "(warmup_share)", name, used, train.warmup_steps, train.warmup_share,
        )  # fmt: skip
