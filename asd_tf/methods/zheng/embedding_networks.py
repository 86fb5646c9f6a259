"""The networks of Zheng et al. (ICASSP 2025): encoder with masks and LoRA, pooling, loss."""

import dataclasses

import keras
import ml_collections
import tensorflow as tf

from asd_tf.augmentation.spec_augment import SpecAugment
from asd_tf.checkpoints.adapter import merge_into
from asd_tf.checkpoints.load import Pretrained, put_weights
from asd_tf.losses.arcface import ArcFace
from asd_tf.losses.subcluster_adacos import SubclusterAdaCos
from asd_tf.models.encoders.block_wrappers import GradientDecay, Recomputed
from asd_tf.models.encoders.blocks import Parts
from asd_tf.models.encoders.build import build_encoder
from asd_tf.models.encoders.config import EncoderConfig
from asd_tf.models.encoders.lora import LoraPlan
from asd_tf.models.encoders.segments import mean_over_segments
from asd_tf.models.layers.pooling import pool_tokens
from asd_tf.models.layers.stateless_dropout import StepSeed
from asd_tf.training.compiling import compile_network
from asd_tf.training.optimizers.accumulation import Accumulated
from asd_tf.training.stage import Stage
from asd_tf.training.warm_up import WarmUp

LOSSES = ("arcface", "subcluster_adacos")

_RATES = ("input_dropout", "dropout", "attention_dropout", "activation_dropout", "layer_drop")


def parts_of(
    config: ml_collections.ConfigDict, shape: EncoderConfig, plan: LoraPlan | None, stage: Stage
) -> Parts:
    """Returns what is inserted into the encoder for training: masks, LoRA, block wrappers."""
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

    n is the length of a clip, or of a segment if `encoder.segment_seconds` is set.
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
    """Sets the weights of a network: those of an encoder, or of another network, LoRA merged."""
    if isinstance(start, Pretrained):
        put_weights(network, start, "--pretrained")
    else:
        merge_into(network, start)


def over_clips(network: keras.Model, samples: int) -> keras.Model:
    """Makes a network of segments embed clips, by the mean over their segments."""
    if network.input_shape[1] == samples:
        return network
    return mean_over_segments(network, samples)


def without_dropout(shape: EncoderConfig) -> EncoderConfig:
    """Returns the config of the same encoder without dropout, for export."""
    known = {field.name for field in dataclasses.fields(shape)}
    return dataclasses.replace(shape, **{name: 0.0 for name in _RATES if name in known})


def loss_layer(config: ml_collections.ConfigDict, classes: int) -> keras.layers.Layer:
    """Makes the loss layer: embeddings and labels to logits (`arcface`) or probabilities."""
    loss = config.loss
    if loss.kind == "arcface":
        return ArcFace(
            classes,
            margin=loss.margin,
            scale=loss.scale,
            easy_margin=loss.easy_margin,
            name="loss",
        )
    return SubclusterAdaCos(
        classes,
        subclusters=loss.subclusters,
        trainable_centers=loss.trainable_centers,
        dynamic_scale=loss.dynamic_scale,
        name="loss",
    )


def warmup_steps(
    config: ml_collections.ConfigDict, train: ml_collections.ConfigDict, steps: int
) -> int:
    """Returns the optimizer steps of the warm-up: as the recipe says, at most a share of all.

    Args:
        config: The recipe.
        train: The section of the training.
        steps: Batches of the whole training.
    """
    most = int(train.warmup_share * (steps // config.train.accumulate))
    return min(train.warmup_steps, most)


def training_model(
    config: ml_collections.ConfigDict,
    network: keras.Model,
    classes: int,
    train: ml_collections.ConfigDict,
    steps: int,
) -> keras.Model:
    """Adds the loss and compiles: (waveform, one-hot or mixed class) to its output (eq. 1).

    Args:
        config: The recipe.
        network: Waveform to embedding.
        classes: Number of classes.
        train: The section of the training.
        steps: Batches of the whole training.
    """
    label = keras.Input([classes], name="label")
    outputs = loss_layer(config, classes)([network.output, label])
    model = keras.Model([network.input, label], outputs)
    rate = WarmUp(train.learning_rate, warmup_steps(config, train, steps))
    if train.weight_decay:
        optimizer = keras.optimizers.AdamW(rate, weight_decay=train.weight_decay)
    else:
        optimizer = keras.optimizers.Adam(rate)
    if config.train.accumulate > 1:
        optimizer = Accumulated(optimizer, config.train.accumulate)
    from_logits = config.loss.kind == "arcface"
    compile_network(model, optimizer, keras.losses.CategoricalCrossentropy(from_logits=from_logits))
    return model
