"""Backends on disk: the same scores after reading, and nothing foreign read."""

import collections
import io
import json
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from asd_tf.backends.cosine import KMeansCosine, NearestCosine
from asd_tf.backends.per_domain import PerDomain
from asd_tf.backends.registry import ESTIMATORS, build_backend
from asd_tf.backends.saving.old_names import schema_with_current_names
from asd_tf.backends.saving.store import load_backend, save_backend, trusted_types
from asd_tf.errors import InputError

TRUSTED_TYPES = (
    "asd_tf.backends.as_score.AsScore",
    "asd_tf.backends.cosine.CenterCosine",
    "asd_tf.backends.cosine.KMeansCosine",
    "asd_tf.backends.cosine.NearestCosine",
    "asd_tf.backends.frame_mixture.FrameMixture",
    "asd_tf.backends.gaussian.CappedGaussianMixture",
    "asd_tf.backends.mahalanobis.LedoitWolfMahalanobis",
    "asd_tf.backends.neighbors.DensityNormalizedNearest",
    "asd_tf.backends.neighbors.KNearestCosine",
    "asd_tf.backends.one_class.NormalizedOneClassSVM",
    "asd_tf.backends.per_domain.PerDomain",
    "asd_tf.backends.posterior_distance.PosteriorDistance",
    "asd_tf.backends.principal_residual.PrincipalResidual",
    "asd_tf.backends.sub_bands.SubBandNearest",
    "asd_tf.backends.whitened.WhitenedNearest",
    "sklearn.tree._tree.Tree",
)


class Foreign(NearestCosine):
    """A type that no backend has."""


def test_the_trusted_types_are_these():
    """A type may only come to be trusted, or to be refused, by a change of this list."""
    assert trusted_types() == TRUSTED_TYPES


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_scores_are_the_same_after_reading(name, tmp_path):
    """A backend must score and describe itself the same after it was saved and loaded."""
    X = np.random.default_rng(0).normal(size=(300, 1 if name == "AsScore" else 3))
    members = {
        "all": {"estimator": name},
        "target": {"estimator": name, "domain": "target"},
    }
    backend = build_backend({"combine": "known", "members": members})
    domain = ["source"] * 280 + ["target"] * 20
    backend.fit(X, domain=domain)
    save_backend(tmp_path / "b.skops", backend)
    loaded = load_backend(tmp_path / "b.skops")
    scores = backend.score_samples(X, domain)
    np.testing.assert_array_equal(loaded.score_samples(X, domain), scores)
    assert loaded.describe() == backend.describe()


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_what_is_written_has_no_old_name(name, tmp_path):
    """Names of earlier versions must not be in use today, or today's files would be renamed."""
    backend = build_backend({"members": {"all": {"estimator": name}}})
    X = np.random.default_rng(0).normal(size=(30, 1 if name == "AsScore" else 3))
    save_backend(tmp_path / "b.skops", backend.fit(X))
    with zipfile.ZipFile(tmp_path / "b.skops") as packed:
        schema = json.loads(packed.read("schema.json"))
    assert schema_with_current_names(schema) == schema


@pytest.fixture
def saved(tmp_path):
    backend = PerDomain([("centers", KMeansCosine(2), "all")])
    save_backend(tmp_path / "b.skops", backend.fit(np.eye(4)))
    return tmp_path / "b.skops"


def damaged(content):
    """Yields the file emptied, cut, overwritten, and without one of its parts."""
    yield b""
    yield content[: len(content) // 2]
    yield b"not a backend"
    for part in ("schema.json", ".npy"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
            for name in old.namelist():
                if not name.endswith(part):
                    new.writestr(name, old.read(name))
        yield buffer.getvalue()


def test_a_damaged_file_is_one_line(saved):
    """A damaged file must be refused with one line that names it."""
    for content in damaged(saved.read_bytes()):
        saved.write_bytes(content)
        with pytest.raises(InputError, match=r"b\.skops: not a readable backend") as error:
            load_backend(saved)
        assert "\n" not in str(error.value)


def test_a_missing_file_is_one_line(tmp_path):
    """A missing file must be refused with one line that names it."""
    with pytest.raises(InputError, match="there is no such file"):
        load_backend(tmp_path / "none.skops")


@pytest.mark.parametrize("content", [Foreign().fit(np.eye(2)), FunctionTransformer(print)])
def test_foreign_types_are_refused(content, tmp_path):
    """A file with types that no backend has must be refused, so that it cannot run code."""
    skops.io.dump(content, tmp_path / "b.skops")
    with pytest.raises(InputError, match=r"b\.skops: refused"):
        load_backend(tmp_path / "b.skops")


def test_a_function_in_the_place_of_a_type_is_refused(saved):
    """A function where a type should be must be refused, and not be called."""
    with zipfile.ZipFile(saved) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    schema = parts["schema.json"].replace(b"PerDomain", b"system")
    schema = schema.replace(b"asd_tf.backends.per_domain", b"os")
    with zipfile.ZipFile(saved, "w") as new:
        for name, part in (parts | {"schema.json": schema}).items():
            new.writestr(name, part)
    with pytest.raises(InputError, match=r"refused, no backend holds the type os\.system"):
        load_backend(saved)


def test_what_is_no_backend_is_refused(tmp_path):
    """An object of trusted types that is no backend must be refused."""
    skops.io.dump(collections.OrderedDict(a=1), tmp_path / "b.skops")
    with pytest.raises(InputError, match="a OrderedDict is not a backend"):
        load_backend(tmp_path / "b.skops")


def test_what_could_not_be_read_is_not_written(saved):
    """What `load_backend` would refuse must not be written, nor replace what is there."""
    before = saved.read_bytes()
    with pytest.raises(ValueError, match="Foreign"):
        save_backend(saved, Foreign().fit(np.eye(2)))
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["b.skops"]
