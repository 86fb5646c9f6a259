"""The encoders of Whisper, Qwen-Audio and Qwen2-Audio in the layout of Hugging Face folders."""

from collections.abc import Iterator

import numpy as np

from asd_tf.checkpoints.mapping import Entry, convolution, dense, norm
from asd_tf.checkpoints.raw import Raw
from asd_tf.checkpoints.reader import Reader
from asd_tf.models.encoders.whisper import WhisperConfig

_WHISPER_PREFIXES = ("model.encoder.", "encoder.", "audio_tower.", "")
_QWEN_PREFIXES = ("transformer.audio.", "")
# Parts after the encoder: heads, and the projection into a language model.
_IGNORED = ("proj.", "proj_out.", "audio_bos_eos_token.", "decoder.", "classifier.", "projector.")
# Replacements, in this order, that turn the names of OpenAI's Whisper, which Qwen-Audio uses, into
# those of Hugging Face.
_OPENAI_NAMES = {
    "blocks.": "layers.",
    ".attn.query.": ".self_attn.q_proj.",
    ".attn.key.": ".self_attn.k_proj.",
    ".attn.value.": ".self_attn.v_proj.",
    ".attn.out.": ".self_attn.out_proj.",
    ".attn_ln.": ".self_attn_layer_norm.",
    ".mlp.0.": ".fc1.",
    ".mlp.2.": ".fc2.",
    ".mlp_ln.": ".final_layer_norm.",
    "ln_post.": "layer_norm.",
}
_OPENAI_TABLE = "positional_embedding"


def matches(raw: Raw) -> bool:
    """Returns whether a checkpoint has an encoder of Whisper's kind."""
    kind = raw.config.get("model_type")
    return kind in ("whisper", "qwen2_audio") or (kind == "qwen" and "audio" in raw.config)


def read(raw: Raw) -> tuple[WhisperConfig, dict[str, np.ndarray]]:
    """Returns the config and the weights of the encoder alone.

    Raises:
        InputError: If the config lacks a size or is of an unsupported variant.
    """
    if raw.config["model_type"] == "qwen":
        return _read_qwen(Raw(raw.source, raw.config["audio"], raw.weights))
    pool = raw.config["model_type"] == "qwen2_audio"
    if pool:
        raw = Raw(raw.source, raw.need("audio_config")[0], raw.weights)
    raw.only(activation_function="gelu")
    bands, depth, width, heads, ffn, positions = raw.need(
        "num_mel_bins", "encoder_layers", "d_model", "encoder_attention_heads", "encoder_ffn_dim",
        "max_source_positions",
    )  # fmt: skip
    rates = raw.rates(
        dropout="dropout",
        attention_dropout="attention_dropout",
        activation_dropout="activation_dropout",
        layer_drop="encoder_layerdrop",
    )
    config = WhisperConfig(bands, depth, width, heads, ffn, positions, pool, **rates)
    return config, raw.part(_WHISPER_PREFIXES, _IGNORED)


def entries(config: WhisperConfig) -> Iterator[Entry]:
    """Yields the variable or variables of each published array."""
    yield from convolution("conv1", "conv_0", rank=1)
    yield from convolution("conv2", "conv_1", rank=1)
    yield Entry("embed_positions.weight", ("positions/table",))
    for index in range(config.depth):
        theirs, ours = f"layers.{index}", f"layer_{index}"
        for name in ("q", "k", "v", "out"):
            yield from dense(f"{theirs}.self_attn.{name}_proj", f"{ours}_{name}", bias=name != "k")
        yield from norm(f"{theirs}.self_attn_layer_norm", f"{ours}_attention_norm")
        yield from dense(f"{theirs}.fc1", f"{ours}_ffn1")
        yield from dense(f"{theirs}.fc2", f"{ours}_ffn2")
        yield from norm(f"{theirs}.final_layer_norm", f"{ours}_ffn_norm")
    yield from norm("layer_norm", "encoder_norm")


def _read_qwen(raw: Raw) -> tuple[WhisperConfig, dict[str, np.ndarray]]:
    """Reads the encoder of Qwen-Audio."""
    bands, positions, width, heads, depth = raw.need(
        "n_mels", "n_ctx", "n_state", "n_head", "n_layer"
    )
    config = WhisperConfig(
        bands, depth, width, heads, 4 * width, positions, pool=raw.config.get("avg_pool", True)
    )
    weights = raw.part(_QWEN_PREFIXES, _IGNORED)
    return config, {_of_openai(name): array for name, array in weights.items()}


def _of_openai(name: str) -> str:
    if name == _OPENAI_TABLE:
        return "embed_positions.weight"
    for theirs, ours in _OPENAI_NAMES.items():
        name = name.replace(theirs, ours)
    return name


WHISPER = Reader(WhisperConfig, matches, read, entries)
