"""The log-mels of a run's training clips on disk, which several networks train on."""

import dataclasses
import logging

import keras
import ml_collections
import numpy as np

from asd_tf.data.decoding.inspection import explain_failure
from asd_tf.data.frame_features import load_frame_features, write_frame_features
from asd_tf.errors import InputError
from asd_tf.files import is_intact, read_json, write_json, write_seal
from asd_tf.methods.common.checks import samples_of
from asd_tf.methods.common.held_out import hold_out
from asd_tf.methods.common.log_mel import log_mel_layer
from asd_tf.progress import progress_over
from asd_tf.run.run import Run
from asd_tf.training.stage import Stage

OF_FEATURES = ("data", "frontend")

# Clips whose log-mels are in memory at a time.
CHUNK = 256

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class LogMelCache:
    """Log-mels of all training clips, and which clips may be trained on.

    Attributes:
        frontend: Waveform [batch, N] to log-mels in dB [batch, frames, bands].
        log_mel_db: [clips, frames, bands] log-mels of the training clips in dB, a memory map.
        held_out: [clips] bool, the clips held out of all training, to calibrate on.
    """

    frontend: keras.Model
    log_mel_db: np.ndarray
    held_out: np.ndarray

    @property
    def frames(self) -> int:
        """Frames of a clip."""
        return self.log_mel_db.shape[1]

    @property
    def bands(self) -> int:
        """Mel bands."""
        return self.log_mel_db.shape[2]

    @property
    def calibrates(self) -> np.ndarray | None:
        """The argument `held_out` of `fit_detector`: None if no clip is held out."""
        return self.held_out if self.held_out.any() else None

    def indices(self, mask: np.ndarray) -> np.ndarray:
        """Returns the indices of the clips of `mask` [clips] bool that may be trained on."""
        return np.flatnonzero(mask & ~self.held_out)


def log_mel_cache(run: Run) -> LogMelCache:
    """Writes the log-mels of all training clips to disk, once, and chooses what is held out."""
    clips, config = run.train_clips, run.config
    held_out = hold_out(clips, config.calibration.held_out)
    frontend = log_mel_model(config)
    stage = run.stage("features", OF_FEATURES)
    path = stage.folder / "features.npy"
    intact = stage.done and is_intact(path)
    if stage.done and not intact:
        _logger.warning("%s: damaged; its features are computed anew", path)
    if not intact:
        sample_rate = config.data.sample_rate
        _logger.info("write the log-mels of the training clips to disk")
        with progress_over(len(clips), "log-mels") as progress:
            ok = write_frame_features(path, frontend, clips, sample_rate, progress)
        if not ok.all():
            unknown = InputError(f"{clips['path'][~ok].iloc[0]}: cannot be read")
            raise explain_failure(clips[~ok]) or unknown
        write_seal(path)
        stage.finish()
    return LogMelCache(frontend, load_frame_features(path), held_out)


def log_mel_model(config: ml_collections.ConfigDict) -> keras.Model:
    """Builds waveform [batch, N] to log-mels in dB [batch, frames, bands]."""
    waveform = keras.Input([samples_of(config)], name="waveform")
    layer = log_mel_layer(config, bands="slaney", center=True)
    return keras.Model(waveform, layer(waveform), name="frontend")


def log_held_out(run: Run, held_out: np.ndarray) -> None:
    """Logs the number of clips, and how many of them are held out to calibrate."""
    clips = run.train_clips
    if not held_out.any():
        if not run.calibrates_itself:  # other clips calibrate, and are not among these
            _logger.info("%d normal clips", len(clips))
            return
        _logger.info(
            "%d normal clips, none held out: thresholds will be low, since they are calibrated on "
            "clips that the networks were trained on",
            len(clips),
        )
        return
    _logger.info(
        "%d normal clips of %d machines, %d of them held out to calibrate",
        len(clips), clips["machine"].nunique(), held_out.sum(),
    )  # fmt: skip


def log_mel_statistics(
    stage: Stage, log_mel_db: np.ndarray, indices: np.ndarray
) -> tuple[float, float]:
    """Returns mean and standard deviation of the log-mels of some clips, in dB.

    Args:
        stage: The stage, whose folder keeps the result.
        log_mel_db: [clips, frames, bands] in dB.
        indices: Indices of the clips.
    """
    path = stage.folder / "log_mel_statistics.json"
    if not path.exists():
        count, total, squares = 0, 0.0, 0.0
        for start in range(0, len(indices), CHUNK):
            chunk = log_mel_db[indices[start : start + CHUNK]].astype(np.float64)
            count, total = count + chunk.size, total + chunk.sum()
            squares += np.square(chunk).sum()
        mean = total / count
        write_json(path, {"mean": mean, "std": max(squares / count - mean**2, 1e-6) ** 0.5})
    values = read_json(path)
    return values["mean"], values["std"]
