"""The log-mels of a run's training clips on disk, which several networks train on."""

import dataclasses

import keras
import numpy as np

from asd_tf.data.frame_features import load_frame_features, write_frame_features
from asd_tf.data.inspection import explain_failure
from asd_tf.errors import InputError, UsageError
from asd_tf.files import read_json, write_json
from asd_tf.frontends.mel import LogMel
from asd_tf.methods.held_out import hold_out
from asd_tf.methods.progress import Say, progress_over
from asd_tf.run import Run
from asd_tf.training.stage import Stage

OF_FEATURES = ("data", "frontend")

# Clips whose levels stand in memory at a time.
CHUNK = 256


@dataclasses.dataclass(frozen=True)
class FrameData:
    """Log-mels of all training clips, and which clips may be trained on.

    Attributes:
        frontend: Waveform [batch, N] to log-mels in dB [batch, frames, bands].
        levels: [clips, frames, bands] those of the training clips, on disk.
        held_out: [clips] which are kept out of all training, to calibrate on.
    """

    frontend: keras.Model
    levels: np.ndarray
    held_out: np.ndarray

    @property
    def calibrates(self) -> np.ndarray | None:
        """What `fit_detector` takes: the clips held out, None where there are none."""
        return self.held_out if self.held_out.any() else None

    def rows(self, among: np.ndarray) -> np.ndarray:
        """Returns the numbers of the clips that may be trained on, of those in `among` [clips]."""
        return np.flatnonzero(among & ~self.held_out)

    def check_size(self, key: str, size: int) -> None:
        """Checks that a clip has as many frames as a window or crop.

        Raises:
            UsageError: If it has fewer; `key` is what to change.
        """
        frames = self.levels.shape[1]
        if size > frames:
            raise UsageError(f"{key}={size}: a clip has {frames} frames, so use at most as many")


def frame_data(run: Run, say: Say) -> FrameData:
    """Writes the log-mels of all training clips to disk, once, and chooses what is held out."""
    clips, config = run.train_clips, run.config
    held_out = hold_out(clips, config.calibration.held_out)
    frontend = log_mel_model(run)
    stage = run.stage("features", OF_FEATURES)
    path = stage.folder / "features.npy"
    if not stage.done:
        sample_rate = config.data.sample_rate
        say("write the log-mels of the training clips to disk")
        with progress_over(len(clips), "log-mels") as progress:
            ok = write_frame_features(path, frontend, clips, sample_rate, progress)
        if not ok.all():
            unknown = InputError(f"{clips['path'][~ok].iloc[0]}: cannot be read")
            raise explain_failure(clips[~ok], sample_rate) or unknown
        stage.finish()
    return FrameData(frontend, load_frame_features(path), held_out)


def log_mel_model(run: Run) -> keras.Model:
    """Builds waveform [batch, N] to log-mels in dB [batch, frames, bands]."""
    config = run.config
    waveform = keras.Input([run.samples], name="waveform")
    layer = LogMel(config.data.sample_rate, config.frontend.n_mels, bands="slaney", center=True)
    return keras.Model(waveform, layer(waveform), name="frontend")


def level_statistics(stage: Stage, levels: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    """Returns mean and standard deviation of the levels of some clips, in dB.

    Args:
        stage: Whose folder keeps them.
        levels: [clips, frames, bands].
        rows: The clips.
    """
    path = stage.folder / "levels.json"
    if not path.exists():
        count, total, squares = 0, 0.0, 0.0
        for start in range(0, len(rows), CHUNK):
            chunk = levels[rows[start : start + CHUNK]].astype(np.float64)
            count, total = count + chunk.size, total + chunk.sum()
            squares += np.square(chunk).sum()
        mean = total / count
        write_json(path, {"mean": mean, "sd": max(squares / count - mean**2, 1e-6) ** 0.5})
    values = read_json(path)
    return values["mean"], values["sd"]
