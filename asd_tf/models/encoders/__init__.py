"""Pre-trained encoders from waveform to tokens, as Keras networks that can be fine-tuned."""

from asd_tf.models.encoders.beats import BeatsConfig, beats
from asd_tf.models.encoders.block_wrappers import GradientDecay, Recomputed
from asd_tf.models.encoders.blocks import Parts, Transformer
from asd_tf.models.encoders.build import FAMILIES, build_encoder, config_from, kind_of
from asd_tf.models.encoders.ced import CedConfig, ced
from asd_tf.models.encoders.config import EncoderConfig
from asd_tf.models.encoders.family import EncoderFamily
from asd_tf.models.encoders.lora import (
    LoRADense,
    LoraPlan,
    freeze_all_but_lora,
    lora_layers,
    parameter_counts,
)
from asd_tf.models.encoders.segments import mean_over_segments
from asd_tf.models.encoders.speech_embedding import SpeechEmbeddingConfig, speech_embedding
from asd_tf.models.encoders.wav2vec2 import Wav2Vec2Config, wav2vec2
from asd_tf.models.encoders.whisper import WhisperConfig, whisper

__all__ = [
    "FAMILIES",
    "BeatsConfig",
    "CedConfig",
    "EncoderConfig",
    "EncoderFamily",
    "GradientDecay",
    "LoRADense",
    "LoraPlan",
    "Parts",
    "Recomputed",
    "SpeechEmbeddingConfig",
    "Transformer",
    "Wav2Vec2Config",
    "WhisperConfig",
    "beats",
    "build_encoder",
    "ced",
    "config_from",
    "freeze_all_but_lora",
    "kind_of",
    "lora_layers",
    "mean_over_segments",
    "parameter_counts",
    "speech_embedding",
    "wav2vec2",
    "whisper",
]
