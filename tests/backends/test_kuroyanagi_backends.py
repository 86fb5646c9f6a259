"""The scores of Kuroyanagi's eqs. 2 and 7 must follow the equations."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from asd_tf.backends.frame_mixture import FrameMixture
from asd_tf.backends.posterior_distance import PosteriorDistance
from asd_tf.backends.saving.store import load_backend, save_backend


def errors(count, seed=0):
    """Absolute errors of two kinds of frames, in bands of very different spread."""
    rng = np.random.default_rng(seed)
    kinds = np.where(rng.random([count, 1]) < 0.3, 3.0, 1.0)
    return np.abs(kinds + 0.3 * rng.normal(size=[count, 3])) * [1.0, 20.0, 0.01]


def test_one_gaussian_gives_the_log_likelihood_of_the_frames_as_they_are():
    train, new = errors(200), errors(20, seed=1)
    floor = 1e-3 * np.diag(train.var(axis=0))
    gaussian = multivariate_normal(train.mean(axis=0), np.cov(train.T, bias=True) + floor)
    scores = FrameMixture(1).fit(train).score_samples(new)
    np.testing.assert_allclose(scores, gaussian.logpdf(new), rtol=1e-9)


def test_two_gaussians_give_the_logarithm_of_their_weighted_sum():
    """Eq. 2, with the logarithm that it needs."""
    train, new = errors(300), errors(20, seed=1)
    mixture = FrameMixture(2, covariance_type="diag").fit(train)
    assert min(mixture.weights_) == pytest.approx(0.3, abs=0.05)
    likelihood = np.zeros(20)
    for weight, mean, root in zip(mixture.weights_, mixture.means_, mixture.roots_, strict=True):
        mean = mixture.location_ + mixture.scale_ * mean
        covariance = np.diag(np.square(mixture.scale_ / root))
        likelihood += weight * multivariate_normal(mean, covariance).pdf(new)
    np.testing.assert_allclose(mixture.score_samples(new), np.log(likelihood))


def test_large_errors_are_anomalous_whatever_their_direction():
    """Frames with larger errors must score lower."""
    train = errors(200)
    mixture = FrameMixture(2).fit(train)
    assert mixture.score_samples(10 * train).max() < mixture.score_samples(train).min()


def test_the_unit_of_a_band_changes_no_order():
    """The fit must not depend on the units of a column."""
    train, new = errors(100), errors(30, seed=1)
    unit = np.array([1e-4, 1.0, 1e5])
    scores = FrameMixture(2).fit(train).score_samples(new)
    others = FrameMixture(2).fit(train * unit).score_samples(new * unit)
    np.testing.assert_allclose(others, scores - np.log(unit).sum(), rtol=1e-6)


def test_a_band_that_never_varies_leaves_scores_finite():
    """Constant columns must be allowed."""
    train, new = errors(50), errors(5)
    train[:, 1] = new[:, 1] = 0.1
    assert np.isfinite(FrameMixture(2).fit(train).score_samples(new)).all()


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_eq_7_with_distances_of_the_fitted_clips(gamma):
    rng = np.random.default_rng(0)
    train, new = rng.random([30, 2]) * [1, 50], rng.random([8, 2]) * [1, 80]
    standardized = (new[:, 1] - train[:, 1].mean()) / train[:, 1].std()
    expected = gamma * new[:, 0] + (1 - gamma) * standardized
    backend = PosteriorDistance(gamma).fit(train)
    np.testing.assert_allclose(backend.score_samples(new), -expected)


def test_clips_of_one_distance_have_no_scale():
    backend = PosteriorDistance(0.5).fit(np.array([[0.1, 7.0]] * 4))
    assert backend.score_samples([[0.1, 9.0]]) == pytest.approx(-0.5 * 0.1 - 0.5 * 2)


@pytest.mark.parametrize("gamma", [-0.1, 1.1])
def test_a_share_beyond_0_and_1_is_refused(gamma):
    with pytest.raises(ValueError, match=r"^gamma must be in \[0, 1\], got "):
        PosteriorDistance(gamma).fit(np.ones([3, 2]))


@pytest.mark.parametrize("backend", [FrameMixture(2), PosteriorDistance(0.3)])
def test_a_loaded_detector_has_the_same_scores(backend, tmp_path):
    backend.fit(errors(40))
    save_backend(tmp_path / "0.skops", backend)
    new = errors(5, seed=1)
    loaded = load_backend(tmp_path / "0.skops").score_samples(new)
    np.testing.assert_array_equal(loaded, backend.score_samples(new))
