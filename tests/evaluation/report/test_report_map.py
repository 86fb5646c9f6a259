"""The map must place clips by their features, and be left out if there are none."""

import functools

import numpy as np
import pytest
from reports import Page, clips_of, features_of, map_of, report_of

from asd_tf.scoring.scores import LazyMapping


def test_without_features_there_is_no_map(scored):
    for features in (
        {},
        {"score": np.ones((len(scored), 1))},
        {"bad": np.full((len(scored), 4), np.nan)},
    ):
        report = report_of(scored, features=features)
        assert Page(report).chapters == ["result", "sections", "clips", "provenance"]
        assert map_of(report) is None


def test_map_places_clips_by_the_principal_components_of_their_means(scored):
    values = features_of(scored)
    items = np.stack([values - 1, values + 1], axis=1)
    items[4] = np.nan
    data = map_of(report_of(scored, features={"embedding": items}))
    views = [(view["machine"], view["method"]) for view in data["views"]]
    assert views == [(None, "PCA"), ("fan", "PCA"), ("pump", "PCA")]
    view = data["views"][0]
    assert view["rows"] == [row for row in range(len(scored)) if row != 4]
    kept = np.delete(values, 4, axis=0).astype(np.float64)
    centered = kept - kept.mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    for axis, coordinates in zip(axes, (view["x"], view["y"]), strict=False):
        assert abs(np.corrcoef(centered @ axis, coordinates)[0, 1]) > 0.999
    machine = [data["names"]["machine"][code] for code in data["clips"]["machine"]]
    assert machine == scored["machine"].tolist()
    labels = [data["names"]["label"][code] for code in data["clips"]["label"]]
    assert labels == scored["label"].map({0: "normal", 1: "anomalous"}).tolist()


def test_tsne_is_optional_and_reproducible(scored_table):
    scored = scored_table(sections=1, per_class=4)
    reports = [report_of(scored, tsne=True) for _ in range(2)]
    assert reports[0] == reports[1]
    views = map_of(reports[0])["views"]
    assert [view["method"] for view in views] == ["PCA", "t-SNE"] * 3
    points = np.stack([views[1]["x"], views[1]["y"]], axis=1)
    fan = np.array([machine == "fan" for machine in scored["machine"]])
    between = np.linalg.norm(points[fan].mean(axis=0) - points[~fan].mean(axis=0))
    assert between > points[fan].std(axis=0).max()


def test_features_are_in_the_order_of_the_clip_table(scored):
    clips = clips_of(scored).iloc[::-1].reset_index(drop=True)
    data = map_of(report_of(scored, clips=clips))
    assert data["clips"]["id"] == clips["clip_id"].tolist()
    with pytest.raises(ValueError, match="features of 3 clips"):
        report_of(scored, features={"embedding": np.ones((3, 4))})


@pytest.mark.parametrize("size", [2, 60])
def test_equal_features_are_one_point(one_section, size):
    features = {"x": np.ones((len(one_section), size))}
    data = map_of(report_of(one_section, features=features, tsne=True))
    assert set(data["views"][0]["x"] + data["views"][0]["y"]) == {1024}


def test_few_clips_have_a_map_from_three_on(scored):
    for clips in (1, 2, 3, 4):
        few = scored.head(clips)
        data = map_of(report_of(few, features={"x": features_of(few)}, tsne=True))
        assert (data is None) == (clips < 3)


def test_only_the_first_extractors_have_views(scored):
    """Features of further extractors must not even be computed: ensembles have hundreds."""
    computed = []

    def make(name):
        computed.append(name)
        return features_of(scored)

    names = [f"network {index}" for index in range(18)]
    features = LazyMapping({name: functools.partial(make, name) for name in names})
    report = report_of(scored, features=features)
    views = map_of(report)["views"]
    assert list(dict.fromkeys(view["extractor"] for view in views)) == names[:16]
    assert computed == names[:16]
    assert "The features of 2 more networks are left out." in report
    few = report_of(scored, features={name: features_of(scored) for name in names[:16]})
    assert "left out." not in few
