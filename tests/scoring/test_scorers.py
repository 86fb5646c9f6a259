"""Scorers must turn features into anomaly scores of clips and items, and combine them."""

import dataclasses
import json

import ml_collections
import numpy as np
import pytest

from asd_tf.backends.as_score import AsScore
from asd_tf.backends.cosine import KMeansCosine, NearestCosine
from asd_tf.backends.mahalanobis import LedoitWolfMahalanobis
from asd_tf.backends.per_domain import PerDomain
from asd_tf.errors import InputError
from asd_tf.scoring.group_scorer import GroupScorer
from asd_tf.scoring.pooling import softmax_pool
from asd_tf.scoring.scorers import Scorer


def only(estimator):
    return PerDomain([("only", estimator, "all")])


@pytest.fixture
def frames():
    return np.random.default_rng(0).normal(size=(20, 6, 3))


def test_the_sign_turns_once(frames):
    """The anomaly score must be minus the normality of the backend."""
    clips = frames[:, 0]
    scores = Scorer("net", only(LedoitWolfMahalanobis())).fit(clips).score(clips)
    expected = -LedoitWolfMahalanobis().fit(clips).score_samples(clips)
    np.testing.assert_allclose(scores.clip, expected)
    assert scores.clip.min() > 0
    assert scores.items is None


@pytest.mark.parametrize("fit_on", ["items", "mean"])
@pytest.mark.parametrize("score_on", ["items", "mean"])
def test_items_are_fitted_and_scored_as_asked(frames, fit_on, score_on):
    """`items` and `mean` must work for fit and score, and items must stay with their clips."""
    backend = LedoitWolfMahalanobis()
    backend.fit(frames.reshape(-1, 3) if fit_on == "items" else frames.mean(axis=1))
    scorer = Scorer("net", only(LedoitWolfMahalanobis()), fit_on, score_on, "max")
    scores = scorer.fit(frames).score(frames)
    if score_on == "mean":
        np.testing.assert_allclose(scores.clip, -backend.score_samples(frames.mean(axis=1)))
        assert scores.items is None
    else:
        items = np.array([-backend.score_samples(clip) for clip in frames])
        np.testing.assert_allclose(scores.items, items)
        np.testing.assert_allclose(scores.clip, items.max(axis=1))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [("mean", 3.0), ("max", 9.0), ("median", 2.0), ({"softmax": {"alpha": 0, "trim": 0}}, 3.0)],
)
def test_pools(pool, expected):
    """The score of a clip must be the chosen statistic of its items."""
    items = np.array([[[9.0], [0.0], [2.0], [1.0], [3.0]]])
    scorer = Scorer("net", only(AsScore()), "items", "items", pool).fit(items)
    assert scorer.score(items).clip == pytest.approx([expected])


def test_softmax_pool_is_equation_3_of_kuroyanagi():
    """Outliers must be dropped, and larger scores have larger weights, without overflow."""
    scores = np.array([[4.0, -50.0, 1.0, 2.0, 3.0, 900.0], [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]])
    kept = np.array([[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 1.0, 2.0]])
    weights = np.exp(0.5 * kept)
    expected = (kept * weights).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(softmax_pool(scores, alpha=0.5, trim=0.2), expected)
    assert softmax_pool(1000 * scores, alpha=1, trim=0)[0] == pytest.approx(900_000)


def test_domains_reach_the_rows_of_items(frames):
    """Items must have the domain of their clip, in fit and score."""
    domain = np.array(["source", "target"] * 10)
    members = [(d, LedoitWolfMahalanobis(), d) for d in ("source", "target")]
    scorer = Scorer("net", PerDomain(members, "known"), "items", "items").fit(frames, domain)
    own = {
        d: LedoitWolfMahalanobis().fit(frames[domain == d].reshape(-1, 3))
        for d in ("source", "target")
    }
    expected = [-own[d].score_samples(clip).mean() for d, clip in zip(domain, frames, strict=True)]
    np.testing.assert_allclose(scorer.score(frames, domain).clip, expected)
    assert not np.allclose(scorer.score(frames).clip, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fit_on": "item"}, "did you mean 'items'"),
        ({"score_on": "clip"}, "choose from items, mean"),
        ({"pool": "maxi"}, "did you mean 'max'"),
        ({"pool": "softmax"}, "pool=softmax: write"),
        ({"pool": {"softmax": {"alpha": 1}}}, "write mean"),
        ({"pool": {"softmax": {"alpha": 1, "trim": 0.5}}}, "below 0.5"),
        ({"pool": {"max": {}}}, "write mean"),
    ],
)
def test_wrong_values_of_a_scorer_are_refused(change, message):
    """Unknown values must be refused with the known ones, when a scorer is made."""
    with pytest.raises(ValueError, match=message):
        Scorer("net", only(AsScore()), **change)


def group(combine="sum"):
    return GroupScorer(
        [
            Scorer(
                "error", only(AsScore()), "items", "items", {"softmax": {"alpha": 1, "trim": 0}}
            ),
            Scorer("net", only(KMeansCosine(4))),
        ],
        combine,
    )


@pytest.fixture
def features(frames):
    return {"net": frames[:, 0], "error": frames[:, :, :1], "unused": frames}


@pytest.mark.parametrize("combine", ["sum", "mean", "min", "max"])
def test_scorers_of_a_group_combine(features, combine):
    """Scores of clips must be combined by the chosen function."""
    error = softmax_pool(features["error"][:, :, 0], 1, 0)
    cosine = -KMeansCosine(4).fit(features["net"]).score_samples(features["net"])
    scores = group(combine).fit(features).score(features)
    expected = getattr(np, combine)([error, cosine], axis=0)
    np.testing.assert_allclose(scores.clip, expected)
    assert scores.items is None  # only one of the two has items


def test_one_scorer_is_itself_with_its_items(features):
    """A single scorer must keep its items, and the combination must have no effect."""
    for combine in ("sum", "mean", "min", "max"):
        scores = GroupScorer(group().scorers[:1], combine).fit(features).score(features)
        np.testing.assert_array_equal(scores.items, features["error"][:, :, 0])


def test_items_of_scorers_with_as_many_combine(features):
    """Scores of items must be combined too, if scorers have the same number of items."""
    twice = GroupScorer([Scorer("error", only(AsScore()), "items", "items")] * 2)
    scores = twice.fit(features).score(features)
    np.testing.assert_allclose(scores.items, 2 * features["error"][:, :, 0])
    np.testing.assert_allclose(scores.clip, scores.items.mean(axis=1))


def test_clone_is_unfitted_and_leaves_the_original(features):
    """A clone must be unfitted, and its fit must not change the original."""
    original = group().fit(features)
    before = original.score(features).clip
    copy = original.clone()
    assert not hasattr(copy.scorers[1].backend, "members_")
    copy.fit({name: values[:5] for name, values in features.items()})
    np.testing.assert_array_equal(original.score(features).clip, before)
    assert not np.allclose(copy.score(features).clip, before)


def test_a_group_scores_the_same_after_saving(features, tmp_path):
    """Scores and description must be the same after saving and loading."""
    fitted = group("max").fit(features)
    fitted.save(tmp_path / "fan")
    spec = json.loads(json.dumps(fitted.spec()))
    loaded = GroupScorer.load(tmp_path / "fan", spec)
    np.testing.assert_array_equal(loaded.score(features).clip, fitted.score(features).clip)
    assert loaded.spec() == spec
    assert spec["scorers"][1]["backend"]["members"]["only"]["n_clusters"] == 4


def test_a_pool_from_a_recipe_can_be_written_as_json():
    """A pool of a recipe must become plain values, as JSON needs."""
    recipe = ml_collections.ConfigDict({"pool": {"softmax": {"alpha": 0.1, "trim": 0.1}}})
    scorer = Scorer("error", only(AsScore()), pool=recipe.pool).fit(np.ones((3, 1)))
    spec = GroupScorer([scorer]).spec()
    assert json.loads(json.dumps(spec))["scorers"][0]["pool"] == recipe.pool.to_dict()


def test_a_damaged_description_or_a_missing_backend_is_one_line(features, tmp_path):
    """An incomplete description and a missing backend must be reported in one line."""
    fitted = group().fit(features)
    fitted.save(tmp_path)
    with pytest.raises(InputError, match="damaged"):
        GroupScorer.load(tmp_path, {"combine": "sum", "scorers": [{"extractor": "net"}]})
    (tmp_path / "1.skops").unlink()
    with pytest.raises(InputError, match=r"1\.skops: there is no such file"):
        GroupScorer.load(tmp_path, fitted.spec())


def test_weights_count_before_scores_combine(features, tmp_path):
    """Weights must apply to the combination only, and be kept by saving and cloning."""
    first, second = group().fit(features).scorers
    matched = GroupScorer([first, dataclasses.replace(second, weight="matched")])
    weighted = matched.with_fitted_weights([100.0, 200.0], [(0.0, 1.0)] * 2)
    error, cosine = weighted.parts(features)
    scores = weighted.score(features).clip
    np.testing.assert_allclose(scores, error.clip + 200 * cosine.clip)
    np.testing.assert_array_equal(cosine.clip, group().fit(features).parts(features)[1].clip)
    weighted.save(tmp_path)
    loaded = GroupScorer.load(tmp_path, json.loads(json.dumps(weighted.spec())))
    np.testing.assert_array_equal(loaded.score(features).clip, scores)
    assert [scorer.weight for scorer in weighted.clone().scorers] == [1.0, 200.0]


def test_standardized_scores_are_combined(features, tmp_path):
    """Means and deviations of normal scores must apply before the combination, and be saved."""
    scorers = [dataclasses.replace(s, weight="standardized") for s in group().fit(features).scorers]
    scales = [(0.5, 2.0), (-1.0, 0.1)]
    fitted = GroupScorer(scorers, "max").with_fitted_weights([7.0, 7.0], scales)
    error, cosine = fitted.parts(features)
    expected = np.maximum((error.clip - 0.5) / 2, (cosine.clip + 1) / 0.1)
    np.testing.assert_allclose(fitted.score(features).clip, expected)
    fitted.save(tmp_path)
    loaded = GroupScorer.load(tmp_path, json.loads(json.dumps(fitted.spec())))
    np.testing.assert_allclose(loaded.score(features).clip, expected)


def test_a_scorer_of_some_columns_sees_no_others(features, tmp_path):
    """Columns must be selected in fitting, scoring and members, and be saved."""
    values = features["net"]
    some = Scorer("net", only(NearestCosine()), columns=(1, 3)).fit(values)
    alone = Scorer("net", only(NearestCosine())).fit(values[..., 1:3])
    np.testing.assert_array_equal(some.score(values).clip, alone.score(values[..., 1:3]).clip)
    assert list(some.member_scores(values)) == ["only"]
    GroupScorer([some]).save(tmp_path)
    spec = json.loads(json.dumps(GroupScorer([some]).spec()))
    loaded = GroupScorer.load(tmp_path, spec)
    np.testing.assert_array_equal(loaded.score(features).clip, some.score(values).clip)


def test_a_detector_of_before_weights_still_loads(features, tmp_path):
    """A description without weights, names and columns must get the defaults."""
    fitted = group().fit(features)
    fitted.save(tmp_path)
    spec = fitted.spec()
    for scorer in spec["scorers"]:
        del scorer["weight"], scorer["name"], scorer["offset"], scorer["columns"]
    loaded = GroupScorer.load(tmp_path, spec)
    np.testing.assert_array_equal(loaded.score(features).clip, fitted.score(features).clip)
    assert [scorer.name for scorer in loaded.scorers] == ["error", "net"]


def test_a_group_without_scorers_or_with_an_unknown_rule_is_refused():
    """No scorers and unknown combinations must be refused."""
    with pytest.raises(ValueError, match="at least one scorer"):
        GroupScorer([])
    with pytest.raises(ValueError, match="did you mean 'sum'"):
        GroupScorer([Scorer("net", only(NearestCosine()))], "summ")
