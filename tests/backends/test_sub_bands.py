"""Neighbors of sub-bands, and residuals of principal subspaces."""

import numpy as np
import pytest

from asd_tf.backends.cosine import NearestCosine
from asd_tf.backends.per_domain import PerDomain
from asd_tf.backends.principal_residual import PrincipalResidual
from asd_tf.backends.saving.store import load_backend, save_backend
from asd_tf.backends.sub_bands import SubBandNearest
from asd_tf.backends.whitened import WhitenedNearest


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_each_band_has_a_neighbor_of_its_own():
    """A row whose bands are of two training rows must be as normal as these."""
    train = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
    mixed = np.array([[1.0, 0.0, 1.0, 0.0]])
    assert SubBandNearest(2).fit(train).score_samples(mixed) == pytest.approx(1.0)
    assert NearestCosine().fit(train).score_samples(mixed) == pytest.approx(0.5)


def test_loud_bands_do_not_drown_the_others(rng):
    """All bands must count alike, whatever their energy."""
    train, test = rng.normal(size=(20, 6)), rng.normal(size=(5, 6))
    gain = np.repeat([1.0, 1000.0, 1e-3], 2)
    plain, scaled = SubBandNearest(3).fit(train), SubBandNearest(3).fit(train * gain)
    np.testing.assert_allclose(scaled.score_samples(test * gain), plain.score_samples(test))


def test_one_band_is_the_nearest_cosine(rng):
    train, test = rng.normal(size=(20, 6)), rng.normal(size=(5, 6))
    np.testing.assert_allclose(
        SubBandNearest(1).fit(train).score_samples(test),
        NearestCosine().fit(train).score_samples(test),
    )


@pytest.mark.parametrize("bands", [4, 0, 2.0])
def test_bands_that_do_not_divide_are_refused(rng, bands):
    with pytest.raises(ValueError, match=r"^bands must "):
        SubBandNearest(bands).fit(rng.normal(size=(5, 6)))


def test_the_residual_is_what_training_rows_do_not_vary_in(rng):
    """A step within the subspace must cost nothing, and one out of it its length."""
    train = rng.normal(size=(50, 3)) * [5.0, 3.0, 0.0]
    backend = PrincipalResidual(0.999).fit(train)
    found = -backend.score_samples(train[:1] + np.array([[9.0, -4.0, 0.0], [0.0, 0.0, 2.0]]))
    np.testing.assert_allclose(found, [0.0, 2.0], atol=1e-9)
    assert PrincipalResidual(0.1).fit(train).directions_.shape == (1, 3)
    with pytest.raises(ValueError, match=r"^variance must "):
        PrincipalResidual(1.5).fit(train)


@pytest.mark.parametrize("backend", [SubBandNearest(2), PrincipalResidual(), WhitenedNearest()])
def test_a_fit_with_constant_features_can_be_saved(backend, rng, tmp_path):
    """Channels of an encoder that never fire must not keep a detector from being written."""
    train = np.concatenate([rng.normal(size=(20, 3)), np.full((20, 1), -0.4)], axis=1)
    fitted = PerDomain([("all", backend, "all")]).fit(train)
    save_backend(tmp_path / "x.skops", fitted)
    loaded = load_backend(tmp_path / "x.skops")
    np.testing.assert_allclose(loaded.score_samples(train), fitted.score_samples(train))
