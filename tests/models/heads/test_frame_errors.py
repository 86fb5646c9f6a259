"""Heads must turn networks on windows and crops into errors and features of clips."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.frontends.windows import place_in_window, window_starts
from asd_tf.losses.arcface import ArcFace
from asd_tf.models.heads.arcface_nll import ArcFaceNLL
from asd_tf.models.heads.class_log_odds import ClassLogOdds
from asd_tf.models.heads.crops import ApplyToCrops, evenly_spaced
from asd_tf.models.heads.frame_errors import PredictionErrors, WindowErrors
from asd_tf.models.heads.residual_distances import ResidualDistances, residual_precision
from asd_tf.models.interpolation_dnn import interpolation_dnn
from asd_tf.models.layers.reconstruct_frames import ReconstructFrames
from asd_tf.models.predictive_autoencoder import predictive_autoencoder
from asd_tf.models.window_autoencoder import window_autoencoder

BANDS = 6


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def predictor(seed):
    keras.utils.set_random_seed(seed)
    return predictive_autoencoder(
        5, BANDS, encoder=8, decoder=8, bottleneck=4, blocks=1, heads=2, expansion=2
    )


def linear_crops(seed=0):
    keras.utils.set_random_seed(seed)
    crop = keras.Input([4, BANDS])
    return keras.Model(crop, keras.layers.Dense(3)(keras.layers.Flatten()(crop)))


def test_every_frame_is_predicted_once_by_its_neighbors():
    """The vectorized errors must be those of a loop over frames, edges included."""
    network, features = predictor(0), noise(3, 9, BANDS)
    errors = PredictionErrors(network)(features).numpy()
    assert errors.shape == (3, 9, 1)
    for clip in range(3):
        for frame in range(9):
            start = min(max(frame - 2, 0), 4)
            window = features[clip, start : start + 5][np.newaxis]
            predicted = network([window, np.eye(5, dtype=np.float32)[[frame - start]]]).numpy()[0]
            expected = np.mean((predicted - features[clip, frame]) ** 2)
            np.testing.assert_allclose(errors[clip, frame, 0], expected, rtol=1e-4)


def test_the_middle_frame_stands_in_the_middle():
    assert window_starts(8, 5).tolist() == [0, 0, 0, 1, 2, 3, 3, 3]
    assert place_in_window(8, 5).tolist() == [0, 1, 2, 2, 2, 2, 3, 4]


@pytest.mark.parametrize("interpolates", [True, False])
def test_the_error_of_a_window_is_a_mean_square(interpolates):
    """Errors must be over all values of a window, or over its middle frame."""
    keras.utils.set_random_seed(0)
    network = (
        interpolation_dnn(5, BANDS, widths=(4,))
        if interpolates
        else window_autoencoder(5, BANDS, hidden=4, depth=1, bottleneck=2)
    )
    features = noise(2, 8, BANDS)
    errors = WindowErrors(network)(features).numpy()
    assert errors.shape == (2, 4, 1)
    window = features[1:2, 2:7]
    target = window[:, 2] if interpolates else window
    expected = np.mean((network(window).numpy() - target) ** 2)
    np.testing.assert_allclose(errors[1, 2, 0], expected, rtol=1e-4)


def test_the_selective_distance_is_the_mean_of_the_baselines_matrix():
    """The baseline averages all products of residuals: the identity must give its number."""
    keras.utils.set_random_seed(0)
    network = window_autoencoder(5, BANDS, hidden=4, depth=1, bottleneck=2)
    log_mel_db = noise(4, 9, BANDS)
    precisions = np.stack([residual_precision(network, log_mel_db, np.array(indices), 2)
                           for indices in ([0, 1, 2], [3])])  # fmt: skip
    found = ResidualDistances(network, precisions)(log_mel_db).numpy()
    assert found.shape == (4, 1, 2)
    windows = np.stack([log_mel_db[:, start : start + 5] for start in range(5)], axis=1)
    predicted = network(windows.reshape(-1, 5, BANDS)).numpy().reshape(windows.shape)
    residuals = (predicted - windows).reshape(4, 25, BANDS)
    for kind, indices in enumerate(([0, 1, 2], [3])):
        covariance = np.cov(residuals[indices].reshape(-1, BANDS), rowvar=False)
        np.testing.assert_allclose(precisions[kind], np.linalg.inv(covariance), rtol=1e-3)
        for clip in range(4):
            matrix = residuals[clip] @ np.linalg.inv(covariance) @ residuals[clip].T
            np.testing.assert_allclose(found[clip, 0, kind], matrix.mean(), rtol=1e-3)


def test_crops_of_a_clip_go_through_the_network_one_by_one():
    network, features = linear_crops(), noise(2, 11, BANDS)
    found = ApplyToCrops(network, evenly_spaced(11, 4, 3))(features).numpy()
    expected = [network(features[:, start : start + 4]).numpy() for start in (0, 4, 7)]
    np.testing.assert_allclose(found, np.stack(expected, axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("frames", "size", "crops", "starts"),
    [(65, 65, 10, [0]), (66, 65, 10, [0, 1]), (70, 65, 2, [0, 5]), (313, 65, 1, [124])],
)
def test_evenly_spaced_crops_reach_both_ends(frames, size, crops, starts):
    assert evenly_spaced(frames, size, crops).tolist() == starts


def test_each_crop_is_reconstructed_by_the_network_of_its_machine():
    """One frame of every five must be replaced, by the right network, and no other touched."""
    networks = [predictor(seed) for seed in range(3)]
    crops, machine = noise(4, 12, BANDS), np.array([2, 0, 2, 0])
    places = np.array([[0, 4], [1, 1], [2, 3], [4, 0]])
    layer = ReconstructFrames(networks)
    expected = crops.copy()
    for clip in range(4):
        for window, place in enumerate(places[clip]):
            frames = crops[clip, 5 * window : 5 * window + 5][np.newaxis]
            position = np.eye(5, dtype=np.float32)[[place]]
            expected[clip, 5 * window + place] = networks[machine[clip]]([frames, position])[0]
    with tf.GradientTape() as tape:
        found = layer([crops, machine, places])
        loss = tf.reduce_sum(found)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert tape.gradient(loss, [v for n in networks for v in n.variables]) == [None] * sum(
        len(n.variables) for n in networks
    )
    assert not layer.trainable_weights


@pytest.mark.parametrize("form", ["log_odds", "log_odds_as_code"])
def test_log_odds_is_the_logarithm_of_the_odds(form):
    logits = 3 * noise(5, 4).astype(np.float64)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = {"log_odds": np.log((1 - p) / p), "log_odds_as_code": np.log((1 - p) - np.log(p))}
    np.testing.assert_allclose(
        ClassLogOdds(form)(logits.astype(np.float32)), expected[form], rtol=1e-4, atol=1e-5
    )


def test_the_nll_of_arcface_is_its_loss_for_each_class():
    """STgram scores a clip by the loss that it would have had in training."""
    keras.utils.set_random_seed(0)
    layer, embeddings = ArcFace(4, margin=0.7, scale=5.0), noise(6, 3)
    layer([embeddings, np.zeros([6, 4], np.float32)])
    found = ArcFaceNLL(layer)(embeddings).numpy()
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, reduction="none")
    for own in range(4):
        label = np.tile(np.eye(4, dtype=np.float32)[own], [6, 1])
        np.testing.assert_allclose(
            found[:, own], loss(label, layer([embeddings, label])), rtol=1e-4
        )


LAYERS = {
    "prediction": lambda: (PredictionErrors(predictor(0)), [9, BANDS]),
    "window": lambda: (WindowErrors(interpolation_dnn(5, BANDS, widths=(4,))), [9, BANDS]),
    "distances": lambda: (
        ResidualDistances(window_autoencoder(5, BANDS, hidden=4, depth=1, bottleneck=2),
                          np.eye(BANDS)[np.newaxis]), [9, BANDS]),
    "crops": lambda: (ApplyToCrops(linear_crops(), [0, 3]), [9, BANDS]),
    "surprise": lambda: (ClassLogOdds(), [4]),
}  # fmt: skip


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_come_back_from_their_files(kind, tmp_path):
    """A model with such a layer must be saved and loaded by Keras alone."""
    layer, shape = LAYERS[kind]()
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(noise(2, *shape)), model(noise(2, *shape)), rtol=1e-5)
