"""The system of Zheng et al., ICASSP 2025.

"Improving anomalous sound detection via low-rank adaptation fine-tuning of pre-trained audio
models". A pre-trained encoder (Section 2.3) learns, by matrices of low rank beside its own (2.4),
to tell apart machines and their attributes with ArcFace (2.5), on masked filter banks (2.2). Its
embeddings are compared with the nearest ones of the source and of the target domain (2.6).
"""

import dataclasses
import functools
import math
from pathlib import Path
from typing import NamedTuple

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from asd_tf.augmentation.spec_augment import SpecAugment
from asd_tf.checkpoints.adapter import merge_into, save_adapter
from asd_tf.checkpoints.load import Pretrained, load_encoder, put_weights
from asd_tf.config import check_choices, check_ranges
from asd_tf.data.pipeline import training_batches
from asd_tf.detector.base import Group
from asd_tf.detector.extractor import export_extractor
from asd_tf.errors import UsageError
from asd_tf.losses.arcface import ArcFace
from asd_tf.methods.assembly import fit_detector, scorer_of
from asd_tf.methods.classes import class_names, number_classes
from asd_tf.methods.crop_networks import steps_of_epoch
from asd_tf.methods.progress import Say
from asd_tf.methods.training import train_network
from asd_tf.models.block_wraps import GradientDecay, Recomputed
from asd_tf.models.encoders.blocks import Parts
from asd_tf.models.encoders.build import CONFIGS, SIZES, EncoderConfig, build_encoder, kind_of
from asd_tf.models.encoders.randomness import StepSeed
from asd_tf.models.encoders.segments import mean_over_segments
from asd_tf.models.lora import LoraPlan, freeze_all_but_lora, parameter_counts
from asd_tf.models.statistics_pooling import POOLINGS, pool_tokens
from asd_tf.run import Run
from asd_tf.training.accumulation import Accumulated
from asd_tf.training.stage import Stage
from asd_tf.training.warm_up import WarmUp

TUNINGS = ("lora", "full", "frozen")

OF_SCRATCH = ("data", "networks", "encoder", "head", "loss", "spec_augment", "scratch")
OF_TUNING = (*OF_SCRATCH, "tuning", "lora", "train")

CHOICES = {
    "encoder.kind": tuple(CONFIGS),
    "head.pooling": POOLINGS,
    "networks": ("one", "each_subset"),
    "tuning": TUNINGS,
}

RANGES = {
    "data.seconds": (0.2, math.inf),
    "encoder.segment_seconds": (0.2, math.inf),
    "loss.scale": (0.0, math.inf),
    "spec_augment.probability": (0.0, 1.0),
    "train.accumulate": (1, math.inf),
    "train.layer_decay": (0.0, 1.0),
    **{
        f"{stage}.{key}": limits
        for stage in ("scratch", "train")
        for key, limits in (
            ("epochs", (0, math.inf)),
            ("batch_size", (1, math.inf)),
            ("learning_rate", (0.0, math.inf)),
            ("warm_up_steps", (0, math.inf)),
            ("steps_per_epoch", (1, math.inf)),
        )
    },
}

# Where the weights are published that the paper takes, and under which names.
PUBLISHED = {
    "beats": "BEATs_iter3_plus_AS2M.pt, linked from github.com/microsoft/unilm/tree/master/beats",
    "ced": "mispeech/ced-base on huggingface.co, or the .pt of github.com/RicherMans/CED",
    "wav2vec2": "facebook/wav2vec2-base on huggingface.co",
    "whisper": "Qwen/Qwen-Audio on huggingface.co, of which the audio encoder is taken",
}

_RATES = ("input_dropout", "dropout", "attention_dropout", "activation_dropout", "layer_drop")


class Task(NamedTuple):
    """What a network is trained on.

    Attributes:
        name: Of the extractor that it becomes.
        rows: The training clips.
        classes: Number of classes.
        of_clip: [clips] the class of each clip of `rows`; of others, anything.
    """

    name: str
    rows: np.ndarray
    classes: int
    of_clip: np.ndarray


def fit(run: Run, say: Say) -> None:
    """Fine-tunes the encoder, embeds the training clips, and fits the backends."""
    config = run.config
    check_choices(config, CHOICES)
    check_ranges(config, RANGES)
    plan = LoraPlan(**config.lora)
    pretrained = read_pretrained(config, say)
    tasks = tasks_of(run)
    extractors = {task.name: _extractor(run, task, pretrained, plan, say) for task in tasks}
    name_of = {
        group: task.name
        for task in tasks
        for group in run.train_clips.iloc[task.rows][["machine", "section"]].itertuples(index=False)
    }

    def scorers(group: Group) -> list[dict]:
        return [scorer_of(config, name_of[group])]

    fit_detector(run, extractors, scorers, say)


def read_pretrained(config: ml_collections.ConfigDict, say: Say) -> Pretrained | None:
    """Reads the weights that the recipe names, none if it says `none`.

    Raises:
        UsageError: If it names none, with where they are published; or if they are of another
            encoder.
        InputError: If they are damaged.
    """
    wanted, path = config.encoder.kind, config.encoder.pretrained
    if path == "":
        raise UsageError(
            f"--pretrained is missing: this recipe fine-tunes published weights of {wanted}, "
            f"{PUBLISHED[wanted]}; or train a small encoder from nothing: --pretrained=none "
            "--set encoder.size=tiny"
        )
    if path is None:  # `none` on the command line
        if config.tuning == "frozen":
            raise UsageError("tuning=frozen keeps pre-trained weights, and --pretrained=none")
        return None
    pretrained = load_encoder(path)
    kind = kind_of(pretrained.config)
    if kind != wanted:
        raise UsageError(f"--pretrained={path}: holds {kind}, and encoder.kind is {wanted}")
    say(f"{path}: {kind}, {pretrained.config.depth} layers of width {pretrained.config.width}")
    return pretrained


def tasks_of(run: Run) -> list[Task]:
    """Numbers the classes, machine and section and attributes (Section 2.5), of each network.

    Raises:
        InputError: If a network that is trained has fewer than two classes.
    """
    clips, config = run.train_clips, run.config
    names = class_names(clips, attributes=True, domains=False)
    parts = {"embedding": np.arange(len(clips))}
    if config.networks == "each_subset":
        parts = {
            subset: rows.to_numpy()
            for subset, rows in clips.groupby("subset", sort=True).groups.items()
        }
    tasks = []
    for name, rows in parts.items():
        of_clip = np.zeros(len(clips), int)
        if config.tuning == "frozen":
            tasks.append(Task(name, rows, 0, of_clip))
            continue
        classes, of_clip[rows] = number_classes(names.iloc[rows])
        tasks.append(Task(name, rows, len(classes), of_clip))
    return tasks


def _extractor(
    run: Run, task: Task, pretrained: Pretrained | None, plan: LoraPlan, say: Say
) -> Path:
    """Trains and exports a network; returns the folder of its extractor."""
    config = run.config
    shape = pretrained.config if pretrained else SIZES[config.encoder.kind][config.encoder.size]
    start = pretrained
    if pretrained is None:
        stage = run.stage(f"scratch-{task.name}", OF_SCRATCH)
        start = _train(run, stage, task, shape, None, config.scratch, None, say)
    network = start
    if config.tuning != "frozen":
        stage = run.stage(f"tuning-{task.name}", OF_TUNING)
        own_plan = plan if config.tuning == "lora" else None
        network = _train(run, stage, task, shape, start, config.train, own_plan, say)
    export = run.stage(f"extractor-{task.name}", OF_TUNING)
    folder = export.folder / "extractor"
    if not export.done:
        say("export the network")
        plain = build_network(config, without_dropout(shape), run.samples)
        start_from(plain, network)
        export_extractor(over_clips(plain, run.samples), folder)
        export.finish()
    return folder


def _train(
    run: Run,
    stage: Stage,
    task: Task,
    shape: EncoderConfig,
    start: Pretrained | keras.Model | None,
    train: ml_collections.ConfigDict,
    plan: LoraPlan | None,
    say: Say,
) -> keras.Model:
    """Trains a network from what it starts with, or loads what the stage left."""
    config = run.config
    steps = steps_of_epoch(train, task.rows)
    with run.settings.devices.scope():
        keras.utils.set_random_seed(stage.seed)
        network = build_network(config, shape, run.samples, parts_of(config, shape, plan, stage))
        if start is not None:
            start_from(network, start)
        if plan is not None:
            freeze_all_but_lora(network.get_layer(kind_of(shape)))
        model = training_model(config, network, task.classes, train)
    if not stage.done:
        trained, total = parameter_counts(network)
        say(f"{stage.folder.name}: {trained:,} of {total:,} parameters are trained")
    train_network(
        run,
        stage,
        model,
        functools.partial(labelled_batches, run, stage, task, network.input_shape[1], train),
        epochs=train.epochs,
        steps_per_epoch=steps,
        say=say,
    )
    if plan is not None and not (stage.folder / "adapter.safetensors").exists():
        save_adapter(stage.folder / "adapter.safetensors", network, plan)
    return network


def parts_of(
    config: ml_collections.ConfigDict, shape: EncoderConfig, plan: LoraPlan | None, stage: Stage
) -> Parts:
    """Returns what stands in the encoder while it is trained: masks, LoRA, and wraps."""
    train = config.train

    def wrap(block: keras.Model) -> keras.layers.Layer:
        if train.recompute:
            block = Recomputed(block, name=f"{block.name}_recomputed")
        if train.layer_decay < 1:
            block = GradientDecay(block, train.layer_decay, name=f"{block.name}_decayed")
        return block

    def augment(features: tf.Tensor) -> tf.Tensor:
        seed = StepSeed(stage.seed, name="mask_seed")(features)
        return SpecAugment(**config.spec_augment, name="masks")([features, seed])

    chosen = {"wrap": wrap, "seed": stage.seed}
    if config.spec_augment.probability:
        chosen["augment"] = augment
    if plan is not None:
        chosen |= {"dense": plan.dense(shape.depth), "dense_dropout": plan.dropout}
    return Parts(**chosen)


def build_network(
    config: ml_collections.ConfigDict,
    shape: EncoderConfig,
    samples: int,
    parts: Parts | None = None,
) -> keras.Model:
    """Builds encoder and pooling: waveform [batch, n] to embeddings [batch, D].

    n is the length of a clip, or that of a segment where the encoder sees segments.
    """
    if config.encoder.segment_seconds is not None:
        segment = round(config.encoder.segment_seconds * config.data.sample_rate)
        samples = min(samples, segment)
    encoder = build_encoder(shape, samples, parts)
    waveform = keras.Input([samples], name="waveform")
    x = pool_tokens(encoder(waveform), config.head.pooling)
    if config.head.embedding is not None:
        x = keras.layers.Dense(config.head.embedding, dtype="float32", name="embedding")(x)
    return keras.Model(waveform, x, name="embedding_network")


def start_from(network: keras.Model, start: Pretrained | keras.Model) -> None:
    """Puts weights into a network: those of an encoder, or of another network, LoRA merged."""
    if isinstance(start, Pretrained):
        put_weights(network, start, "--pretrained")
    else:
        merge_into(network, start)


def over_clips(network: keras.Model, samples: int) -> keras.Model:
    """Lets a network of segments embed clips, by the mean of their embeddings."""
    if network.input_shape[1] == samples:
        return network
    return mean_over_segments(network, samples)


def without_dropout(shape: EncoderConfig) -> EncoderConfig:
    """Returns the config of an encoder that draws nothing, for export."""
    known = {field.name for field in dataclasses.fields(shape)}
    return dataclasses.replace(shape, **{name: 0.0 for name in _RATES if name in known})


def training_model(
    config: ml_collections.ConfigDict,
    network: keras.Model,
    classes: int,
    train: ml_collections.ConfigDict,
) -> keras.Model:
    """Adds ArcFace and compiles: (waveform, one-hot class) to logits (eq. 1)."""
    label = keras.Input([classes], name="label")
    logits = ArcFace(classes, **config.loss, name="loss")([network.output, label])
    model = keras.Model([network.input, label], logits)
    optimizer = keras.optimizers.Adam(WarmUp(train.learning_rate, train.warm_up_steps))
    if config.train.accumulate > 1:
        optimizer = Accumulated(optimizer, config.train.accumulate)
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True))
    return model


def labelled_batches(
    run: Run,
    stage: Stage,
    task: Task,
    samples: int,
    train: ml_collections.ConfigDict,
    first_step: int,
) -> tf.data.Dataset:
    """Streams ((waveform, one-hot class), one-hot class) from a step on."""
    batches = training_batches(
        run.train_clips,
        samples=samples,
        sample_rate=run.config.data.sample_rate,
        batch_size=train.batch_size,
        seed=stage.seed,
        stage=stage.folder.name,
        first_step=first_step,
        pools=[(task.rows, train.batch_size)],
    )
    of_clip = tf.constant(task.of_clip, tf.int32)

    def label(step, row, waveform):
        one_hot = tf.one_hot(tf.gather(of_clip, row), task.classes)
        return (waveform, one_hot), one_hot

    return batches.map(label).prefetch(tf.data.AUTOTUNE)
