"""The transformer layers that all encoders share."""

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts, check_divisors, check_rates
from asd_tf.models.encoders.attention import DotProductAttention, RelativeGate
from asd_tf.models.layers.stateless_dropout import LayerDrop, SeededDropout, StepSeed

# The dense layers of a block.
KINDS = ("q", "k", "v", "out", "ffn1", "ffn2")


def dense(units: int, *, name: str, kind: str, layer: int, **kwargs) -> keras.layers.Layer:
    """Makes a dense layer of a block: the default of `Parts.dense`.

    Args:
        units: Size of the output.
        name: Name of the layer: `layer_<layer>_<kind>`.
        kind: One of `KINDS`.
        layer: Number of the block, from 0.
        kwargs: Further arguments of a Dense: `use_bias` and `kernel_initializer`.
    """
    return keras.layers.Dense(units, name=name, **kwargs)


def identity(block: keras.Model) -> keras.layers.Layer:
    """Returns a block as it is: the default of `Parts.wrap`."""
    return block


@dataclasses.dataclass(frozen=True)
class Parts:
    """The replaceable parts of an encoder.

    Args:
        dense: Makes every dense layer of every block; has the signature of `dense`. Its result is a
            layer with the given name from [batch, tokens, width] to [batch, tokens, units]. To take
            pre-trained weights it must have weights `<name>/kernel` and `<name>/bias`.
        wrap: Wraps every block. A block is a functional model called with a list: its tokens, then
            the relative bias [1, heads, tokens, tokens] and the seed [2], where it needs them. The
            wrapper is called in the same way.
        augment: Augments the features [batch, frames, bands] between frontend and network; a
            function from Keras tensor to Keras tensor. Wav2Vec2 does not use it.
        seed: Seed of dropout and layer drop.
        dense_dropout: Dropout rate inside the dense layers, in [0, 1). If it is not 0, dense layers
            with `takes_seed` are called with [x, seed [2] of the step].

    Raises:
        ValueError: If a rate is out of range.
    """

    dense: Callable[..., keras.layers.Layer] = dense
    wrap: Callable[[keras.Model], keras.layers.Layer] = identity
    augment: Callable[[tf.Tensor], tf.Tensor] = lambda features: features
    seed: int = 0
    dense_dropout: float = 0.0

    def __post_init__(self):
        check_rates(dense_dropout=self.dense_dropout)


@dataclasses.dataclass(frozen=True)
class Transformer:
    """A stack of transformer blocks.

    Args:
        depth: Number of blocks.
        width: Size of a token.
        heads: Number of attention heads, a divisor of the width.
        ffn: Size of the hidden layer in the feed-forward part.
        pre_norm: Whether layer norms precede attention and feed-forward part, or follow the
            residual sums.
        alpha: Factor of the shortcut (DeepNet, Wang et al. 2022).
        beta: Gain of the initial weights of v, out, ffn1 and ffn2 (DeepNet).
        epsilon: Added to the variance in the layer norms.
        key_bias: Whether the projection of the keys has a bias.
        dropout: Rate after attention and after the feed-forward part.
        attention_dropout: Rate of the attention weights.
        activation_dropout: Rate inside the feed-forward part.
        layer_drop: Probability that a block is skipped in a training step.

    Raises:
        ValueError: If an argument is out of range.
    """

    depth: int
    width: int
    heads: int
    ffn: int
    pre_norm: bool
    alpha: float = 1.0
    beta: float = 1.0
    epsilon: float = 1e-5
    key_bias: bool = True
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    layer_drop: float = 0.0

    def __post_init__(self):
        check_counts(depth=self.depth, width=self.width, ffn=self.ffn)
        check_divisors(self.width, heads=self.heads)
        check_rates(
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
            activation_dropout=self.activation_dropout,
            layer_drop=self.layer_drop,
        )

    def __call__(
        self,
        tokens: tf.Tensor,
        parts: Parts,
        seed: tf.Tensor | None,
        bias: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Adds the stack to tokens [batch, tokens, width]; returns tokens, float32."""
        for index in range(self.depth):
            wanted = (tokens, bias, seed if self._needs_seed(parts) else None)
            inputs = [tensor for tensor in wanted if tensor is not None]
            outputs = parts.wrap(self.block(index, inputs, parts))(inputs)
            if self.layer_drop:
                drop = LayerDrop(self.layer_drop, name=f"layer_{index}_drop")
                outputs = drop([tokens, outputs, seed])
            tokens = outputs
        return tokens

    @property
    def rates(self) -> tuple[float, ...]:
        """All rates; if one is not 0, the stack needs a seed."""
        return (self.dropout, self.attention_dropout, self.activation_dropout, self.layer_drop)

    def _needs_seed(self, parts: Parts) -> bool:
        rates = (self.dropout, self.attention_dropout, self.activation_dropout)
        return any((*rates, parts.dense_dropout))

    def block(self, index: int, like: list[tf.Tensor], parts: Parts) -> keras.Model:
        """Builds block `index` for inputs of the shapes and types of `like`."""
        # The first axis is left open for bias and seed too: a fixed size would have to be divided
        # by the number of replicas.
        inputs = [keras.Input(tensor.shape[1:], dtype=tensor.dtype) for tensor in like]
        seed = inputs[-1] if self._needs_seed(parts) else None
        bias = inputs[1] if len(inputs) - (seed is not None) > 1 else None
        block = _Block(self, index, parts, seed)
        tokens = block.residual(inputs[0], lambda x: block.attention(x, bias), "attention")
        tokens = block.residual(tokens, block.feed_forward, "ffn")
        return keras.Model(inputs, tokens, name=f"layer_{index}")


@dataclasses.dataclass(frozen=True)
class _Block:
    """Builds the parts of one block."""

    shape: Transformer
    index: int
    parts: Parts
    seed: tf.Tensor | None

    def residual(
        self, x: tf.Tensor, branch: Callable[[tf.Tensor], tf.Tensor], name: str
    ) -> tf.Tensor:
        """Adds a branch to its input, with a layer norm before the branch or after the sum."""
        norm = layer_norm(self.shape.epsilon, self._name(f"{name}_norm"))
        added = ScaledAdd(self.shape.alpha)
        outputs = branch(norm(x) if self.shape.pre_norm else x)
        total = added([x, self._dropout(outputs, self.shape.dropout, f"{name}_dropout")])
        return total if self.shape.pre_norm else norm(total)

    def attention(self, x: tf.Tensor, bias: tf.Tensor | None) -> tf.Tensor:
        """Adds the projections of q, k and v, the attention and the output projection."""
        width = self.shape.width
        query = self._dense(x, width, "q")
        key = self._dense(x, width, "k", use_bias=self.shape.key_bias)
        value = self._dense(x, width, "v")
        attend = DotProductAttention(
            self.shape.heads,
            gated=bias is not None,
            dropout=self.shape.attention_dropout,
            name=self._name("attention"),
        )
        inputs = [query, key, value]
        if bias is not None:
            inputs += [RelativeGate(self.shape.heads, name=self._name("gate"))(query), bias]
        if self.shape.attention_dropout:
            inputs.append(self.seed)
        return self._dense(attend(inputs), width, "out")

    def feed_forward(self, x: tf.Tensor) -> tf.Tensor:
        """Adds two dense layers with a GELU between them."""
        x = keras.layers.Activation("gelu")(self._dense(x, self.shape.ffn, "ffn1"))
        x = self._dropout(x, self.shape.activation_dropout, "activation_dropout")
        return self._dense(x, self.shape.width, "ffn2")

    def _dense(self, x: tf.Tensor, units: int, kind: str, **kwargs) -> tf.Tensor:
        gain = 1.0 if kind in ("q", "k") else self.shape.beta
        kwargs["kernel_initializer"] = keras.initializers.VarianceScaling(
            gain**2, "fan_avg", "untruncated_normal"
        )
        dense = self.parts.dense(
            units, name=self._name(kind), kind=kind, layer=self.index, **kwargs
        )
        return dense([x, self.seed]) if getattr(dense, "takes_seed", False) else dense(x)

    def _dropout(self, x: tf.Tensor, rate: float, name: str) -> tf.Tensor:
        return dropout(x, rate, self.seed, self._name(name))

    def _name(self, part: str) -> str:
        return f"layer_{self.index}_{part}"


@keras.saving.register_keras_serializable(package="asd_tf")
class ScaledAdd(keras.layers.Layer):
    """[shortcut, branch] to alpha x shortcut + branch, in float32 under every precision policy.

    Args:
        alpha: Factor of the shortcut.
    """

    def __init__(self, alpha: float = 1.0, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.alpha = alpha

    def call(self, inputs):
        """Adds."""
        shortcut, branch = inputs
        return self.alpha * shortcut + branch

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "alpha": self.alpha}


def layer_norm(epsilon: float, name: str) -> keras.layers.Layer:
    """Makes a layer norm over the last axis, float32 under every precision policy."""
    return keras.layers.LayerNormalization(epsilon=epsilon, dtype="float32", name=name)


def add_step_seed(inputs: tf.Tensor, seed: int, *rates: float) -> tf.Tensor | None:
    """Adds the seed of each step to a network; None if all of its rates are 0."""
    return StepSeed(seed, name="step_seed")(inputs) if any(rates) else None


def dropout(x: tf.Tensor, rate: float, seed: tf.Tensor | None, name: str) -> tf.Tensor:
    """Adds a dropout, unless its rate is 0."""
    return SeededDropout(rate, name=name)([x, seed]) if rate else x
