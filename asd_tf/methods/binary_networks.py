"""The networks that tell the clips of a section from others (Kuroyanagi et al., DCASE 2021)."""

import dataclasses

import keras
import ml_collections
import tensorflow as tf

from asd_tf.losses.arcface import ArcFace
from asd_tf.losses.ddcsad import DDCSAD
from asd_tf.models.efficientnet_b3 import efficientnet_b3
from asd_tf.models.resnet34 import resnet34
from asd_tf.models.resnext50 import resnext50
from asd_tf.training.layerwise_adam import LayerwiseAdam, rate_factors
from asd_tf.training.one_cycle import one_cycle_momentum, one_cycle_rate

KINDS = ("resnet34", "resnext50", "efficientnet_b3")


@dataclasses.dataclass(frozen=True)
class BinaryNetwork:
    """A binary classifier with metric learning, and its parts, which share their weights.

    Attributes:
        training: (waveform, label [batch, 1]) to logits, with the losses of eq. 6 but for the
            cross-entropy, which `training_model` adds.
        embedder: Waveform to embeddings z [batch, D].
        encoder: Levels in dB [batch, frames, bands] to embeddings z [batch, D].
        posterior: The layer from z to the logit of being normal.
        ddcsad: The layer with the centroids.
        loss: The section `loss` of the recipe.
    """

    training: keras.Model
    embedder: keras.Model
    encoder: keras.Model
    posterior: keras.layers.Layer
    ddcsad: DDCSAD
    loss: ml_collections.ConfigDict

    @property
    def classifier(self) -> keras.Model:
        """Waveform to the logit of being normal, [batch, 1]."""
        return keras.Model(self.embedder.input, self.posterior(self.embedder.output))


def binary_network(
    network: ml_collections.ConfigDict,
    loss: ml_collections.ConfigDict,
    frontend: keras.Model,
    standardise: keras.layers.Layer,
) -> BinaryNetwork:
    """Builds a classifier (Fig. 2).

    Args:
        network: `kind`, `width`, `blocks` and `embedding` of the recipe.
        loss: `ddcsad`, `epsilon`, `arcface`, `margin` and `scale` of the recipe.
        frontend: Waveform to levels in dB.
        standardise: Layer that standardises levels, for networks that do not scale them themselves.
    """
    levels = keras.Input(frontend.output_shape[1:], name="levels")
    encoder = keras.Model(levels, _encoded(network, levels, standardise), name="encoder")
    waveform = keras.Input(frontend.input_shape[1:], name="waveform")
    label = keras.Input([1], name="label")
    ddcsad = DDCSAD(loss.ddcsad, loss.epsilon, name="ddcsad")
    posterior = keras.layers.Dense(1, dtype="float32", name="posterior")
    embedder = keras.Model(waveform, encoder(frontend(waveform)), name="embedder")
    embedding = ddcsad([embedder.output, label])
    outputs = {"posterior": posterior(embedding)}
    if loss.arcface:
        other = keras.layers.Rescaling(-1.0, 1.0, dtype="float32", name="outlier")(label)
        both = keras.layers.Concatenate(name="both_labels")([label, other])
        arcface = ArcFace(2, margin=loss.margin, scale=loss.scale, name="arcface")
        outputs["arcface"] = arcface([embedding, both])
    training = keras.Model([waveform, label], outputs)
    return BinaryNetwork(training, embedder, encoder, posterior, ddcsad, loss)


def _encoded(
    network: ml_collections.ConfigDict, levels: tf.Tensor, standardise: keras.layers.Layer
) -> tf.Tensor:
    """Adds the feature extractor and the dense layer that makes z of its output."""
    if network.kind == "efficientnet_b3":
        x = efficientnet_b3(levels)
    else:
        resnet = {"resnet34": resnet34, "resnext50": resnext50}[network.kind]
        x = resnet(standardise(levels), width=network.width, blocks=network.blocks)
    return keras.layers.Dense(network.embedding, dtype="float32", name="embedding")(x)


def training_model(network: BinaryNetwork, train: ml_collections.ConfigDict) -> None:
    """Compiles a classifier: cross-entropy, and Adam with two rates that go up and down once.

    Args:
        network: The classifier.
        train: `epochs`, `steps_per_epoch`, `learning_rate` and `convolution_rate` of the recipe.
    """
    steps = train.epochs * train.steps_per_epoch
    optimizer = LayerwiseAdam(
        one_cycle_rate(train.learning_rate, steps),
        rate_factors(network.encoder, convolution=train.convolution_rate / train.learning_rate),
        beta_1=one_cycle_momentum(steps),
    )
    losses = {"posterior": keras.losses.BinaryCrossentropy(from_logits=True)}
    weights = {"posterior": 1.0}
    if network.loss.arcface:
        losses["arcface"] = keras.losses.CategoricalCrossentropy(from_logits=True)
        weights["arcface"] = network.loss.arcface
    network.training.compile(optimizer, losses, loss_weights=weights)
