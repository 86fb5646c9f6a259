"""The map would put clips where their features are not, or would be missing."""

import functools

import numpy as np
import pytest
from reports import Page, clips_of, features_of, map_of, report_of

from asd_tf.detector.examination import Lazily


def test_without_features_there_is_no_map(scored):
    for features in (
        {},
        {"score": np.ones((len(scored), 1))},
        {"bad": np.full((len(scored), 4), np.nan)},
    ):
        report = report_of(scored, features=features)
        assert Page(report).parts == ["result", "sections", "clips", "provenance"]
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
    centred = kept - kept.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    for axis, coordinates in zip(axes, (view["x"], view["y"]), strict=False):
        assert abs(np.corrcoef(centred @ axis, coordinates)[0, 1]) > 0.999
    machine = [data["names"]["machine"][code] for code in data["clips"]["machine"]]
    assert machine == scored["machine"].tolist()
    labels = [data["names"]["label"][code] for code in data["clips"]["label"]]
    assert labels == scored["label"].map({0: "normal", 1: "anomalous"}).tolist()


def test_tsne_only_when_asked_and_the_same_each_time(scored):
    reports = [report_of(scored, tsne=True) for _ in range(2)]
    assert reports[0] == reports[1]
    views = map_of(reports[0])["views"]
    assert [view["method"] for view in views] == ["PCA", "t-SNE"] * 3
    two = views[1]
    points = np.stack([two["x"], two["y"]], axis=1)
    fan = np.array([machine == "fan" for machine in scored["machine"]])
    between = np.linalg.norm(points[fan].mean(axis=0) - points[~fan].mean(axis=0))
    assert between > points[fan].std(axis=0).max()


def test_features_follow_the_clip_table_whatever_the_order_of_the_scores(scored):
    clips = clips_of(scored).iloc[::-1].reset_index(drop=True)
    data = map_of(report_of(scored, clips=clips))
    assert data["clips"]["id"] == clips["clip_id"].tolist()
    with pytest.raises(ValueError, match="features of 3 clips"):
        report_of(scored, features={"embedding": np.ones((3, 4))})


@pytest.mark.parametrize("size", [2, 60])
def test_equal_features_are_one_point(scored, size):
    data = map_of(report_of(scored, features={"x": np.ones((len(scored), size))}, tsne=True))
    assert set(data["views"][0]["x"] + data["views"][0]["y"]) == {1024}


def test_few_clips_have_a_map_from_three_on(scored):
    for clips in (1, 2, 3, 4):
        few = scored.head(clips)
        data = map_of(report_of(few, features={"x": features_of(few)}, tsne=True))
        assert (data is None) == (clips < 3)


def test_only_the_first_extractors_have_views(scored):
    """An ensemble of hundreds of networks would fill the page, and the memory."""
    asked = []

    def make(name):
        asked.append(name)
        return features_of(scored)

    names = [f"network {index}" for index in range(18)]
    features = Lazily({name: functools.partial(make, name) for name in names})
    report = report_of(scored, features=features)
    views = map_of(report)["views"]
    assert list(dict.fromkeys(view["extractor"] for view in views)) == names[:16]
    assert asked == names[:16]
    assert "The features of 2 more networks are left out." in report
    few = report_of(scored, features={name: features_of(scored) for name in names[:16]})
    assert "left out." not in few
