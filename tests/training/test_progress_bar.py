"""The bar of an epoch must show the same with and without tensorflow-addons."""

import re

import keras
import numpy as np
import pytest

from asd_tf.training import addons


def shown(capsys) -> tuple[str, str]:
    """Trains two epochs of four steps; returns what was printed, and the last bar."""
    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    x, y = np.ones([8, 2]), np.ones([8, 1])
    model.fit(x, y, batch_size=2, epochs=2, verbose=0, callbacks=[addons.progress_bar()])
    captured = capsys.readouterr()
    bars = [bar for bar in re.split(r"[\r\n]", captured.err) if "ETA" in bar]
    return captured.out, re.sub(r"ETA: \S+", "", bars[-1]).strip()


def test_the_bar_of_tqdm_alone(capsys, monkeypatch):
    monkeypatch.setattr(addons, "tfa", None)
    out, bar = shown(capsys)
    assert out == "Epoch 1/2\nEpoch 2/2\n"
    assert re.fullmatch(r"4/4\S+ +- loss: 0\.\d{4}", bar)


@pytest.mark.skipif(addons.tfa is None, reason="tensorflow-addons exists for one TensorFlow only")
def test_both_bars_are_equal(capsys, monkeypatch):
    expected = shown(capsys)
    monkeypatch.setattr(addons, "tfa", None)
    assert shown(capsys) == expected
