"""The encoder of the recipe `quick`: the one that pip installs, or a tiny one where it is not."""

import logging

import ml_collections

from asd_tf.checkpoints.speech_embedding import INSTALL, NAME, installed_file
from asd_tf.frontends.framing import RATE
from asd_tf.methods.common.pretrained import read_pretrained
from asd_tf.models.encoders.build import FAMILIES, kind_of

_logger = logging.getLogger(__name__)

AUTO = "auto"
"""What `encoder.pretrained` says where the encoder is still to be chosen."""

# Learning rates of a network that is fine-tuned as a whole, and of matrices of low rank.
_FULL_RATE, _LORA_RATE = 1e-4, 1e-3


def fill_in_encoder(config: ml_collections.ConfigDict) -> None:
    """Chooses the weights of `auto`; says so where they are not those of speech_embedding.

    Also filled in, where the recipe leaves them open, are `tuning` and `train.learning_rate`: the
    whole network where it has no dense layers, and LoRA on all others.
    """
    encoder = config.encoder
    if encoder.pretrained == AUTO:
        reason = _why_not(config)
        encoder.pretrained = None if reason else NAME
        if reason:
            _logger.info("%s: a tiny encoder is trained from scratch instead", reason)
    if config.tuning is None:
        pretrained = read_pretrained(config) if encoder.pretrained else None
        kind = encoder.kind if pretrained is None else kind_of(pretrained.config)
        config.tuning = "lora" if kind is None or FAMILIES[kind].adaptable else "full"
    if config.train.learning_rate is None:
        config.train.learning_rate = _FULL_RATE if config.tuning == "full" else _LORA_RATE


def _why_not(config: ml_collections.ConfigDict) -> str:
    """Returns why speech_embedding is not used; empty if it is."""
    least = FAMILIES[NAME].least_samples
    if config.encoder.kind not in (None, NAME):
        return f"encoder.kind={config.encoder.kind} has no weights that are installed"
    if config.data.seconds * RATE < least:
        return f"{NAME} takes {least / RATE:g} s at least, and clips have {config.data.seconds:g} s"
    return "" if installed_file() else f"{NAME} is not installed ({INSTALL})"
