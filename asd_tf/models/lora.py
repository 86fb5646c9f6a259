"""Low-rank adaptation (Hu et al., ICLR 2022) of the dense layers of an encoder."""

import dataclasses
import re
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from asd_tf.errors import UsageError
from asd_tf.models.encoders.blocks import KINDS, plain_dense
from asd_tf.models.encoders.randomness import dropped

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


@keras.saving.register_keras_serializable(package="asd_tf")
class LoRADense(keras.layers.Layer):
    """A dense layer that stays as it is, plus a trained matrix of low rank.

    [..., width] to [..., units]: x K + b + alpha / rank x dropout(x) A B. As B begins as zeros, so
    does what is trained: the layer begins as the function of K and b. These are in no case trained,
    also where somebody sets the layer trainable. With dropout it is called with [x, seed [2] of the
    step], else with x.

    Args:
        units: Size of the output.
        rank: Columns of A [width, rank] and rows of B [rank, units].
        alpha: Its factor is alpha / rank.
        dropout: Share of the input of A that is dropped in training, in 0..1 (exclusive).
        use_bias: Whether there is b.
        kernel_initializer: Of K, until pre-trained weights are loaded.

    Raises:
        ValueError: If rank or alpha is not positive.
    """

    def __init__(
        self,
        units: int,
        rank: int,
        alpha: float,
        dropout: float = 0.0,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if rank < 1 or alpha <= 0:
            raise ValueError(f"rank {rank} and alpha {alpha} must both be positive")
        self.units = units
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    @property
    def factor(self) -> float:
        """Of the product of A and B."""
        return self.alpha / self.rank

    @property
    def takes_seed(self) -> bool:
        """Whether it is called with [x, seed]."""
        return self.dropout > 0

    def build(self, input_shape):
        """Makes the weights."""
        width = (input_shape[0] if self.takes_seed else input_shape)[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=[width, self.units],
            initializer=self.kernel_initializer,
            trainable=False,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=[self.units], initializer="zeros", trainable=False
            )
        # Uniform up to 1 / sqrt(width), as in the published code; the paper says "Gaussian".
        initializer = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        self.lora_a = self.add_weight(
            name="lora_a", shape=[width, self.rank], initializer=initializer
        )
        self.lora_b = self.add_weight(
            name="lora_b", shape=[self.rank, self.units], initializer="zeros"
        )
        super().build(input_shape)

    def call(self, inputs, training=None):
        """Computes both and adds them."""
        x, seed = inputs if self.takes_seed else (inputs, None)
        outputs = tf.matmul(x, self.kernel)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        if self.takes_seed and training:
            x = dropped(x, self.dropout, seed, self.name)
        return outputs + self.factor * tf.matmul(tf.matmul(x, self.lora_a), self.lora_b)

    def merged_kernel(self) -> np.ndarray:
        """Returns K + alpha / rank x A B, [width, units], rounded once to float32."""
        first, second = (weight.numpy().astype(np.float64) for weight in (self.lora_a, self.lora_b))
        return (self.kernel.numpy() + self.factor * first @ second).astype(np.float32)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "rank": self.rank,
            "alpha": self.alpha,
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@dataclasses.dataclass(frozen=True)
class LoraPlan:
    """Which dense layers of an encoder are adapted, and by which rank.

    The rows of Tables 1, 2, 3, 5 and 6 of Zheng et al. are values of it: rank (2), matrices (3),
    layers (5), and the three that are boosted (6): v of all layers, q and v of the latter half, v
    of the latter half ("latter half v 1.5 times": boost=1.5, boost_matrices=("v",),
    boost_layers="latter half"). No matrices at all leave the encoder frozen; full fine-tuning is
    an encoder without any plan.

    Layers are said as in Table 5, counted from 1: "all", "latter half", or "1-4,9-12".

    Args:
        alpha: The factor of each product is alpha divided by its own rank. The paper does not say
            it; its only public reimplementation has 8.
        rank: Of the matrices that are not boosted.
        matrices: Which of `KINDS` are adapted.
        layers: In which layers.
        boost: Factor of the rank where it is boosted.
        boost_matrices: Which of the adapted matrices are boosted.
        boost_layers: In which layers they are.
        dropout: Of the input of A.

    Raises:
        UsageError: If a value is out of range.
    """

    alpha: float
    rank: int = 64
    matrices: tuple[str, ...] = ("q", "v")
    layers: str = "all"
    boost: float = 1.0
    boost_matrices: tuple[str, ...] = ()
    boost_layers: str = "all"
    dropout: float = 0.0

    def __post_init__(self):
        for name in ("alpha", "rank", "boost"):
            if getattr(self, name) <= 0:
                raise UsageError(f"lora.{name}={getattr(self, name)} is not positive")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"lora.dropout={self.dropout} is not in 0..1")
        for name in ("matrices", "boost_matrices"):
            foreign = set(getattr(self, name)) - set(KINDS)
            if foreign:
                raise UsageError(
                    f"lora.{name}: {min(foreign)!r} is not known: choose from {', '.join(KINDS)}"
                )
        if not set(self.boost_matrices) <= set(self.matrices):
            raise UsageError("lora.boost_matrices names one that is not in lora.matrices")

    def rank_of(self, kind: str, layer: int, depth: int) -> int:
        """Returns the rank of a dense layer, 0 if it is not adapted.

        Args:
            kind: One of `KINDS`.
            layer: Number of its block, from 0.
            depth: Number of blocks.

        Raises:
            UsageError: If a layer of the plan is beyond the depth.
        """
        if kind not in self.matrices or layer not in layers_of(self.layers, depth):
            return 0
        is_boosted = kind in self.boost_matrices and layer in layers_of(self.boost_layers, depth)
        return round(self.rank * self.boost) if is_boosted else self.rank

    def dense(self, depth: int) -> Callable[..., keras.layers.Layer]:
        """Returns what makes the dense layers of an encoder: the `dense` of its `Parts`.

        Args:
            depth: Number of blocks of the encoder.

        Raises:
            UsageError: If a layer of the plan is beyond the depth.
        """
        for layers in (self.layers, self.boost_layers):
            layers_of(layers, depth)

        def make(units: int, *, name: str, kind: str, layer: int, **kwargs) -> keras.layers.Layer:
            rank = self.rank_of(kind, layer, depth)
            if not rank:
                return plain_dense(units, name=name, kind=kind, layer=layer, **kwargs)
            return LoRADense(units, rank, self.alpha, self.dropout, name=name, **kwargs)

        return make


def layers_of(text: str, depth: int) -> frozenset[int]:
    """Returns the numbers, from 0, of the blocks that "all", "latter half" or "1-4,9-12" names.

    Raises:
        UsageError: If it is none of these, or a block is beyond the depth.
    """
    if text == "all":
        return frozenset(range(depth))
    if text == "latter half":
        return frozenset(range(depth // 2, depth))
    found = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= depth:
            raise UsageError(
                f"layers {text!r} are not in 1-{depth}: say all, latter half, or such as "
                f"1-{depth // 2 or 1},{depth}"
            )
        found |= set(range(first - 1, last))
    return frozenset(found)


def lora_layers(network: keras.Model) -> list[LoRADense]:
    """Returns the adapted dense layers of a network."""
    return [layer for layer in network.submodules if isinstance(layer, LoRADense)]


def freeze_all_but_lora(encoder: keras.Model) -> None:
    """Leaves only the matrices of low rank trainable, none if there are none.

    To be called before `compile`. Norms with statistics stay at those, as in scoring.
    """
    for layer in [encoder, *encoder.submodules]:
        is_layer = isinstance(layer, keras.layers.Layer)
        if is_layer and not any(isinstance(x, LoRADense) for x in [layer, *layer.submodules]):
            layer.trainable = False


def parameter_counts(network: keras.Model) -> tuple[int, int]:
    """Returns how many parameters of a network are trained, and how many it has."""

    def total(weights) -> int:
        return sum(int(np.prod(weight.shape)) for weight in weights)

    return total(network.trainable_weights), total(network.weights)
