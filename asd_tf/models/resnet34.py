"""ResNet34 (He et al., CVPR 2016, Table 1), the binary classifier of Kuroyanagi et al. (2021)."""

from collections.abc import Sequence

import tensorflow as tf

from asd_tf.models.residual_network import basic, residual_network

BLOCKS = (3, 4, 6, 3)


def resnet34(
    log_mel: tf.Tensor,
    *,
    width: int = 64,
    blocks: Sequence[int] = BLOCKS,
    embedding: int | None = None,
    l2: float = 0.0,
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram, see `residual_network`.

    The paper names ResNet34 (Section 4.1) and the size of its input; stem, width and embedding are
    He's, with one channel in place of three colours.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 256 x 256 in the paper.
        width: Filters of the stem and of the first stage; each of the other three doubles them.
        blocks: Number of blocks in each stage; others than the default make another network.
        embedding: Size of a dense layer behind the mean; None for the mean itself.
        l2: Factor of the squared kernels in the loss.

    Returns:
        Keras tensor: the embedding [batch, D], float32; D is `embedding`, or 8 x width (512).
    """
    return residual_network(
        log_mel, basic(width), blocks=blocks, width=width, embedding=embedding, l2=l2
    )
