"""CED as published by RicherMans/CED (.pt) and by mispeech (Hugging Face folder)."""

from collections.abc import Iterator

import numpy as np

from asd_tf.checkpoints.mapping import Entry, convolution, dense, norm
from asd_tf.checkpoints.raw import Raw
from asd_tf.checkpoints.reader import Reader
from asd_tf.errors import InputError
from asd_tf.models.encoders.ced import BANDS, CedConfig

# The frontend, which has no weights here, and a counter of the input norm.
_IGNORED = ("front_end.", "init_bn.num_batches_tracked", "init_bn.1.num_batches_tracked")
# All published sizes have heads of this width.
_HEAD_WIDTH = 64


def matches(raw: Raw) -> bool:
    """Returns whether a checkpoint is of CED."""
    return any(name.removeprefix("encoder.") == "freq_pos_embed" for name in raw.weights)


def read(raw: Raw) -> tuple[CedConfig, dict[str, np.ndarray]]:
    """Returns the config and the weights.

    Sizes that the config does not hold are inferred from the shapes of the weights.

    Raises:
        InputError: If they cannot be inferred, or the network is of an unsupported variant.
    """
    raw.only(patch_size=16, n_mels=BANDS, pooling="mean", hop_size=160, win_size=512)
    weights = _in_one_namespace(raw)
    try:
        width = weights["norm.weight"].shape[0]
        ffn = weights["blocks.0.mlp.fc1.weight"].shape[0]
        times = weights["time_pos_embed"].shape[3]
    except (KeyError, IndexError):
        raise InputError(
            f"{raw.source}: lacks norm.weight, blocks.0.mlp.fc1.weight or time_pos_embed [1,D,1,T],"
            " so the size of this CED is unknown"
        ) from None
    head = weights.get("outputlayer.1.weight")
    config = CedConfig(
        depth=raw.config.get("depth", 1 + max(map(_block, weights))),
        width=raw.config.get("embed_dim", width),
        heads=raw.config.get("num_heads", width // _HEAD_WIDTH),
        ffn=ffn,
        frames=raw.config.get("target_length", _frames(times)),
        classes=None if head is None else head.shape[0],
        **raw.rates(dropout="drop_rate", attention_dropout="attn_drop_rate"),
    )
    return config, weights


def entries(config: CedConfig) -> Iterator[Entry]:
    """Yields the variable or variables of each published array."""
    yield from norm("init_bn.1", "input_norm")
    yield Entry("init_bn.1.running_mean", ("input_norm/moving_mean",))
    yield Entry("init_bn.1.running_var", ("input_norm/moving_variance",))
    yield from convolution("patch_embed.proj", "patch_embedding", rank=2)
    yield Entry("time_pos_embed", ("positions/time",), (3, 1, 0, 2), squeeze=2)
    yield Entry("freq_pos_embed", ("positions/band",), (2, 1, 0, 3), squeeze=2)
    for index in range(config.depth):
        theirs, ours = f"blocks.{index}", f"layer_{index}"
        yield from norm(f"{theirs}.norm1", f"{ours}_attention_norm")
        for part, axes in (("kernel", (1, 0)), ("bias", None)):
            variables = tuple(f"{ours}_{kind}/{part}" for kind in ("q", "k", "v"))
            name = "weight" if part == "kernel" else part
            yield Entry(f"{theirs}.attn.qkv.{name}", variables, axes)
        yield from dense(f"{theirs}.attn.proj", f"{ours}_out")
        yield from norm(f"{theirs}.norm2", f"{ours}_ffn_norm")
        yield from dense(f"{theirs}.mlp.fc1", f"{ours}_ffn1")
        yield from dense(f"{theirs}.mlp.fc2", f"{ours}_ffn2")
    yield from norm("norm", "encoder_norm")
    if config.classes is not None:
        yield from norm("outputlayer.0", "classifier_norm", of_head=True)
        yield from dense("outputlayer.1", "classifier", of_head=True)


def _in_one_namespace(raw: Raw) -> dict[str, np.ndarray]:
    """Returns the weights by their names in the .pt files."""
    weights = {
        name.removeprefix("encoder."): array
        for name, array in raw.part([""]).items()
        if not name.removeprefix("encoder.").startswith(_IGNORED)
    }
    return {
        name.replace("init_bn.", "init_bn.1.")
        if name.startswith("init_bn.") and not name.startswith("init_bn.1.")
        else name: array
        for name, array in weights.items()
    }


def _block(name: str) -> int:
    number = name.removeprefix("blocks.").split(".")[0]
    return int(number) if name.startswith("blocks.") and number.isdigit() else -1


def _frames(times: int) -> int:
    """Returns the frames of the longest input; published CEDs have 63 positions for 1,012."""
    return 1012 if times == 1012 // 16 else 16 * times


CED = Reader(CedConfig, matches, read, entries)
