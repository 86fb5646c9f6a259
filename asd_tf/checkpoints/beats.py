"""BEATs as published by microsoft/unilm: {cfg, model} in a .pt file."""

from collections.abc import Iterator

import numpy as np

from asd_tf.checkpoints.mapping import Entry, conv_positions, dense, norm
from asd_tf.checkpoints.raw import Raw
from asd_tf.checkpoints.reader import Reader
from asd_tf.errors import InputError
from asd_tf.models.encoders.beats import DEVIATION, MEAN, BeatsConfig

_BIAS = "self_attn.relative_attention_bias.weight"


def matches(raw: Raw) -> bool:
    """Returns whether a checkpoint is of BEATs."""
    return "patch_embedding.weight" in raw.weights and "encoder.layers.0.fc1.weight" in raw.weights


def read(raw: Raw) -> tuple[BeatsConfig, dict[str, np.ndarray]]:
    """Returns the config and the weights.

    Raises:
        InputError: If the config lacks a size or is of an unsupported variant, or if the layers do
            not share their table of relative positions.
    """
    raw.only(
        layer_norm_first=False,
        activation_fn="gelu",
        conv_bias=False,
        relative_position_embedding=True,
        gru_rel_pos=True,
        # Of OpenBEATs: padding that would change the number of frames or patches.
        raw2fbank_pad=0,
        patch_embedding_pad=0,
    )
    patch, embed, depth, width, ffn, heads = raw.need(
        "input_patch_size", "embed_dim", "encoder_layers", "encoder_embed_dim",
        "encoder_ffn_embed_dim", "encoder_attention_heads",
    )  # fmt: skip
    taps, groups, buckets, distance, deep = raw.need(
        "conv_pos", "conv_pos_groups", "num_buckets", "max_distance", "deep_norm"
    )
    classes = raw.need("predictor_class")[0] if raw.config.get("finetuned_model") else None
    rates = raw.rates(
        input_dropout="dropout_input",
        dropout="dropout",
        attention_dropout="attention_dropout",
        activation_dropout="activation_dropout",
        layer_drop="encoder_layerdrop",
    )
    mean = raw.config.get("fbank_mean", MEAN)
    deviation = raw.config.get("fbank_std", DEVIATION)
    config = BeatsConfig(
        patch, embed, depth, width, ffn, heads, taps, groups, buckets, distance, deep, classes,
        mean=mean, deviation=deviation, **rates,
    )  # fmt: skip
    return config, _without_copies(raw, raw.part([""]))


def entries(config: BeatsConfig) -> Iterator[Entry]:
    """Yields the variable or variables of each published array."""
    yield Entry("patch_embedding.weight", ("patch_embedding/kernel",), (2, 3, 1, 0))
    yield from norm("layer_norm", "patch_norm")
    if config.embed != config.width:
        yield from dense("post_extract_proj", "patch_projection")
    yield from conv_positions("encoder.pos_conv.0")
    yield from norm("encoder.layer_norm", "encoder_norm")
    yield Entry(f"encoder.layers.0.{_BIAS}", ("relative_bias/table",))
    for index in range(config.depth):
        theirs, ours = f"encoder.layers.{index}", f"layer_{index}"
        for name in ("q", "k", "v", "out"):
            yield from dense(f"{theirs}.self_attn.{name}_proj", f"{ours}_{name}")
        yield from dense(f"{theirs}.self_attn.grep_linear", f"{ours}_gate")
        yield Entry(f"{theirs}.self_attn.grep_a", (f"{ours}_gate/factor",), (1, 0, 2, 3), squeeze=3)
        yield from norm(f"{theirs}.self_attn_layer_norm", f"{ours}_attention_norm")
        yield from dense(f"{theirs}.fc1", f"{ours}_ffn1")
        yield from dense(f"{theirs}.fc2", f"{ours}_ffn2")
        yield from norm(f"{theirs}.final_layer_norm", f"{ours}_ffn_norm")
    if config.classes is not None:
        yield from dense("predictor", "predictor", of_head=True)


def _without_copies(raw: Raw, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Removes the copies of the shared table: published checkpoints hold one per layer."""
    first = f"encoder.layers.0.{_BIAS}"
    for name in [name for name in weights if name.endswith(_BIAS) and name != first]:
        if first in weights and not np.array_equal(weights.pop(name), weights[first]):
            raise InputError(
                f"{raw.source}: {name} differs from that of layer 0, which all layers share"
            )
    return weights


BEATS = Reader(BeatsConfig, matches, read, entries)
