"""ResNeXt50 32x4d (Xie et al., CVPR 2017, Table 1)."""

from collections.abc import Sequence

import tensorflow as tf

from asd_tf.models.residual_network import grouped_bottleneck, residual_network

BLOCKS = (3, 4, 6, 3)
# Filters that leave a block of the first stage, in units of the stem's.
EXPANSION = 4


def resnext50(
    log_mel: tf.Tensor,
    *,
    width: int = 64,
    blocks: Sequence[int] = BLOCKS,
    groups: int = 32,
    group_width: int = 4,
    embedding: int | None = None,
    l2: float = 0.0,
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram, see `residual_network`.

    Kuroyanagi et al. (2021, Section 3.2) name ResNeXt50 as one of the networks of their ensemble;
    32 groups of 4 are the smallest that has this name in PyTorch Image Models, which they use.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 256 x 256 in the paper.
        width: Filters of the stem; four times as many leave the first stage, and each of the other
            three doubles them.
        blocks: Number of blocks in each stage; others than the default make another network.
        groups: Number of groups.
        group_width: Filters of a group in the first stage; each of the other three doubles them.
        embedding: Size of a dense layer behind the mean; None for the mean itself.
        l2: Factor of the squared kernels in the loss.

    Returns:
        Keras tensor: the embedding [batch, D], float32; D is `embedding`, or 32 x width (2,048).
    """
    return residual_network(
        log_mel,
        grouped_bottleneck(EXPANSION * width, groups, group_width),
        blocks=blocks,
        width=width,
        embedding=embedding,
        l2=l2,
    )
