"""Wav2Vec2 in the layout of Hugging Face folders."""

from collections.abc import Iterator

import numpy as np

from asd_tf.checkpoints.mapping import Entry, conv_positions, convolution, dense, norm
from asd_tf.checkpoints.raw import Raw
from asd_tf.checkpoints.reader import Reader
from asd_tf.models.encoders.wav2vec2 import Wav2Vec2Config

# The vector that masks training inputs, and an adapter after the encoder.
_IGNORED = ("masked_spec_embed", "adapter.")
# Weight norm was renamed by PyTorch 2.1.
_NEW_NAMES = {
    "parametrizations.weight.original0": "weight_g",
    "parametrizations.weight.original1": "weight_v",
}


def matches(raw: Raw) -> bool:
    """Returns whether a checkpoint is of Wav2Vec2."""
    return raw.config.get("model_type") == "wav2vec2"


def read(raw: Raw) -> tuple[Wav2Vec2Config, dict[str, np.ndarray]]:
    """Returns the config and the weights without those of a speech recognition head.

    Raises:
        InputError: If the config lacks a size or is of an unsupported variant.
    """
    raw.only(hidden_act="gelu", feat_extract_activation="gelu", position_embeddings_type=None)
    filters, kernels, strides, depth, width, heads, ffn = raw.need(
        "conv_dim", "conv_kernel", "conv_stride", "num_hidden_layers", "hidden_size",
        "num_attention_heads", "intermediate_size",
    )  # fmt: skip
    taps, groups = raw.need("num_conv_pos_embeddings", "num_conv_pos_embedding_groups")
    config = Wav2Vec2Config(
        filters=tuple(filters),
        kernels=tuple(kernels),
        strides=tuple(strides),
        conv_bias=raw.config.get("conv_bias", False),
        conv_norm=raw.config.get("feat_extract_norm", "group"),
        depth=depth,
        width=width,
        heads=heads,
        ffn=ffn,
        conv_positions=taps,
        conv_groups=groups,
        stable=raw.config.get("do_stable_layer_norm", False),
        epsilon=raw.config.get("layer_norm_eps", 1e-5),
        normalize=raw.preprocessor.get("do_normalize", True),
        **raw.rates(
            input_dropout="feat_proj_dropout",
            dropout="hidden_dropout",
            attention_dropout="attention_dropout",
            activation_dropout="activation_dropout",
            layer_drop="layerdrop",
        ),
    )
    weights = raw.part(["wav2vec2.", ""], _IGNORED)
    return config, {_new_name(name): array for name, array in weights.items()}


def entries(config: Wav2Vec2Config) -> Iterator[Entry]:
    """Yields the variable or variables of each published array."""
    for index in range(len(config.filters)):
        theirs = f"feature_extractor.conv_layers.{index}"
        yield from convolution(f"{theirs}.conv", f"conv_{index}", rank=1, bias=config.conv_bias)
        if index == 0 or config.conv_norm == "layer":
            yield from norm(f"{theirs}.layer_norm", f"conv_{index}_norm")
    yield from norm("feature_projection.layer_norm", "features_norm")
    yield from dense("feature_projection.projection", "features_projection")
    yield from conv_positions("encoder.pos_conv_embed.conv")
    yield from norm("encoder.layer_norm", "encoder_norm")
    for index in range(config.depth):
        theirs, ours = f"encoder.layers.{index}", f"layer_{index}"
        for name in ("q", "k", "v", "out"):
            yield from dense(f"{theirs}.attention.{name}_proj", f"{ours}_{name}")
        yield from norm(f"{theirs}.layer_norm", f"{ours}_attention_norm")
        yield from dense(f"{theirs}.feed_forward.intermediate_dense", f"{ours}_ffn1")
        yield from dense(f"{theirs}.feed_forward.output_dense", f"{ours}_ffn2")
        yield from norm(f"{theirs}.final_layer_norm", f"{ours}_ffn_norm")


def _new_name(name: str) -> str:
    for old, new in _NEW_NAMES.items():
        name = name.replace(old, new)
    return name


WAV2VEC2 = Reader(Wav2Vec2Config, matches, read, entries)
