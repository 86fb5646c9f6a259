"""Keeps what TensorFlow Lite computes with the published files of speech_embedding.

    python tests/golden/make_speech_embedding.py

It needs pyopen-wakeword 1.1.0 (the extra `speech`), and a TensorFlow that has `tf.lite`; the kept
values are of TensorFlow 2.15.1. The files need not be made again unless the waveform changes.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

from asd_tf.checkpoints.speech_embedding import installed_file

FILE = Path(__file__).with_name("speech_embedding.npz")
SAMPLES = 19200
WINDOW, STEP = 76, 8


def main() -> None:
    """Writes waveform, log-mels and embeddings of windows, each from an interpreter."""
    weights = installed_file()
    assert weights is not None
    wave = waveform()
    decibels = interpreted(weights.with_name("melspectrogram.tflite"), wave[np.newaxis])
    log_mel = decibels[0, 0] / 10 + 2
    starts = range(0, len(log_mel) - WINDOW + 1, STEP)
    windows = np.stack([log_mel[start : start + WINDOW] for start in starts])
    embeddings = interpreted(weights, windows[..., np.newaxis])[:, 0, 0]
    np.savez_compressed(FILE, waveform=wave, log_mel=log_mel, embeddings=embeddings)


def waveform() -> np.ndarray:
    """Returns [samples] int16: a sweep in noise of changing level."""
    time = np.arange(SAMPLES) / 16000
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLES) * (1 + np.sin(20 * time))
    sweep = 0.3 * np.sin(2 * np.pi * (300 + 400 * time) * time)
    return np.round(32767 * np.clip(noise + sweep, -1, 1)).astype(np.int16)


def interpreted(path: Path, values: np.ndarray) -> np.ndarray:
    """Returns what the model in a file computes."""
    interpreter = tf.lite.Interpreter(str(path))
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(given["index"], values.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], values.astype(np.float32))
    interpreter.invoke()
    return interpreter.get_tensor(result["index"])


if __name__ == "__main__":
    main()
