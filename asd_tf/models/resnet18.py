"""ResNet18 (He et al., CVPR 2016, Table 1), which GeCo has as its feature extractor."""

import tensorflow as tf

from asd_tf.models.residual_network import basic, residual_network

BLOCKS = (2, 2, 2, 2)


def resnet18(
    log_mel: tf.Tensor, *, width: int = 64, embedding: int | None = None, l2: float = 0.0
) -> tf.Tensor:
    """Adds the network to a log-mel spectrogram, see `residual_network`.

    The GeCo paper says no more than "ResNet18": stem, width and embedding are He's.

    Args:
        log_mel: Keras tensor [batch, frames, bands], 65 x 128 in GeCo.
        width: Filters of the stem and of the first stage; each of the other three doubles them.
        embedding: Size of a dense layer behind the mean; None for the mean itself.
        l2: Factor of the squared kernels in the loss. The weight decay of PyTorch's SGD is twice
            this factor: 5e-5 for the paper's 1e-4.

    Returns:
        Keras tensor: the embedding [batch, D], float32; D is `embedding`, or 8 x width (512).
    """
    return residual_network(
        log_mel, basic(width), blocks=BLOCKS, width=width, embedding=embedding, l2=l2
    )
