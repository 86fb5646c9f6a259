"""Smaller learning rates for the layers of an encoder that are nearer to its input."""

import re
from collections.abc import Collection, Iterable

_BLOCK = re.compile(r"layer_(\d+)(_|$)")


def layer_multipliers(
    names: Iterable[str], depth: int, ratio: float, behind: Collection[str] = ()
) -> dict[str, float]:
    """Returns the multiplier of the learning rate of each variable of an encoder.

    1 for the last block and what is behind it, ratio for the block before, and so on; ratio^depth
    for what is in front of the blocks. This is how BEATs scales gradients (0.6 in its published
    configurations), applied to learning rates, since Adam would undo a scale of gradients.

    Args:
        names: <name of the layer>/<weight>, as in `layer_3_q/kernel`, of the encoder's variables.
        depth: Number of blocks.
        ratio: From 0 (exclusive) to 1.
        behind: Names of layers behind the blocks, such as a last norm.

    Raises:
        ValueError: If the ratio is out of range, or a block is beyond the depth.
    """
    if not 0 < ratio <= 1:
        raise ValueError(f"a layer decay of {ratio} is not in 0..1")
    return {name: ratio ** _blocks_behind(name, depth, behind) for name in names}


def _blocks_behind(name: str, depth: int, behind: Collection[str]) -> int:
    layer = name.split("/")[0]
    if layer in behind:
        return 0
    match = _BLOCK.match(layer)
    if not match:
        return depth
    if int(match[1]) >= depth:
        raise ValueError(f"{name} is of no block of an encoder of {depth}")
    return depth - 1 - int(match[1])
