"""Networks: functions that build functional Keras models; no data, no losses, no files.

The networks of the papers are exported here. Layers that several networks share are in `layers`,
layers that turn the output of a network into scores in `heads`, pre-trained encoders in `encoders`.
"""

from asd_tf.models.conformer import conformer_block
from asd_tf.models.conformer_autoencoder import AppendSectionId, conformer_autoencoder
from asd_tf.models.dual_branch import embedding_model
from asd_tf.models.efficientnet_b3 import efficientnet_b3
from asd_tf.models.interpolation_dnn import interpolation_dnn
from asd_tf.models.log_mel_resnet import log_mel_resnet
from asd_tf.models.mobile_face_net import mobile_face_net
from asd_tf.models.mobilenet_v2 import mobilenet_v2
from asd_tf.models.predictive_autoencoder import predictive_autoencoder
from asd_tf.models.resnet import resnet18, resnet34, resnext50
from asd_tf.models.spectrogram_resnet import spectrogram_resnet
from asd_tf.models.spectrum_cnn import spectrum_cnn
from asd_tf.models.stgram import stgram_mfn
from asd_tf.models.window_autoencoder import window_autoencoder

__all__ = [
    "AppendSectionId",
    "conformer_autoencoder",
    "conformer_block",
    "efficientnet_b3",
    "embedding_model",
    "interpolation_dnn",
    "log_mel_resnet",
    "mobile_face_net",
    "mobilenet_v2",
    "predictive_autoencoder",
    "resnet18",
    "resnet34",
    "resnext50",
    "spectrogram_resnet",
    "spectrum_cnn",
    "stgram_mfn",
    "window_autoencoder",
]
