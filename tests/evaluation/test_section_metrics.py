"""Each metric must be of the right clips, in the right convention."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from asd_tf.evaluation.section_metrics import section_metrics

COLUMNS = [
    "subset",
    "machine",
    "section",
    "auc_source",
    "auc_target",
    "pauc",
    "auc",
    "auc_source_within",
    "auc_target_within",
    "pauc_source_within",
    "pauc_target_within",
    "precision",
    "precision_source",
    "precision_target",
    "recall",
    "recall_source",
    "recall_target",
    "f1",
    "f1_source",
    "f1_target",
    "clips",
    "anomalies",
]


def pair_auc(anomalous, normal):
    """AUC from its definition: the share of pairs in the right order, ties halved."""
    anomalous, normal = np.asarray(anomalous, float)[:, None], np.asarray(normal, float)[None, :]
    return float(np.mean((anomalous > normal) + 0.5 * (anomalous == normal)))


def scores_of(scored, machine, section, label, domains):
    rows = scored[(scored["machine"] == machine) & (scored["section"] == section)]
    return rows[(rows["label"] == label) & rows["domain"].isin(domains)]["score"]


def test_columns_and_rows_are_those_of_metrics_csv(scored):
    table = section_metrics(scored)
    assert list(table.columns) == COLUMNS
    rows = list(zip(table["machine"], table["section"], strict=True))
    assert rows == [("fan", "00"), ("fan", "01"), ("pump", "00"), ("pump", "01")]
    assert table["clips"].tolist() == [24] * 4
    assert table["anomalies"].tolist() == [12] * 4


def test_both_conventions_agree_with_counting_pairs(scored):
    both = ["source", "target"]
    for row in section_metrics(scored).to_dict("records"):
        section = scored, row["machine"], row["section"]
        all_anomalous = scores_of(*section, 1, both)
        assert row["auc"] == pytest.approx(pair_auc(all_anomalous, scores_of(*section, 0, both)))
        for domain in both:
            normal = scores_of(*section, 0, [domain])
            assert row[f"auc_{domain}"] == pytest.approx(pair_auc(all_anomalous, normal))
            within = pair_auc(scores_of(*section, 1, [domain]), normal)
            assert row[f"auc_{domain}_within"] == pytest.approx(within)


def test_partial_aucs_are_pooled_or_within_a_domain(scored):
    for row in section_metrics(scored).to_dict("records"):
        own = scored["machine"].eq(row["machine"]) & scored["section"].eq(row["section"])
        masks = {
            "pauc": own,
            "pauc_source_within": own & scored["domain"].eq("source"),
            "pauc_target_within": own & scored["domain"].eq("target"),
        }
        for column, mask in masks.items():
            labels = scored.loc[mask, "label"].astype(int)
            expected = roc_auc_score(labels, scored.loc[mask, "score"], max_fpr=0.1)
            assert row[column] == pytest.approx(expected)


def test_decisions_are_judged_over_all_clips_and_within_a_domain(scored):
    judges = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    for row in section_metrics(scored).to_dict("records"):
        own = scored["machine"].eq(row["machine"]) & scored["section"].eq(row["section"])
        for suffix, domains in (("", ["source", "target"]), ("_source", ["source"])):
            clips = scored[own & scored["domain"].isin(domains)]
            for name, judge in judges.items():
                expected = judge(clips["label"].astype(int), clips["decision"].astype(int))
                assert row[f"{name}{suffix}"] == pytest.approx(expected, abs=1e-12)


def test_missing_decisions_do_not_change_the_metrics_of_scores(scored):
    table = section_metrics(scored.assign(decision=pd.NA))
    assert table[COLUMNS[11:20]].isna().all(axis=None)
    pd.testing.assert_frame_equal(table[COLUMNS[:11]], section_metrics(scored)[COLUMNS[:11]])


def test_subsets_have_rows_of_their_own_even_with_equal_names(scored):
    other = scored.assign(
        subset="eval", score=-scored["score"], clip_id="eval/" + scored["clip_id"]
    )
    table = section_metrics(pd.concat([other, scored], ignore_index=True))
    assert table["subset"].tolist() == ["dev"] * 4 + ["eval"] * 4
    pd.testing.assert_frame_equal(table[:4], section_metrics(scored))
    np.testing.assert_allclose(table["auc"][4:], 1 - table["auc"][:4])


def test_order_and_index_of_the_clips_do_not_matter(scored):
    shuffled = scored.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(section_metrics(shuffled), section_metrics(scored))


def test_clips_without_domain_count_as_source(scored):
    table = section_metrics(scored.assign(domain=pd.NA))
    assert table["auc_target"].isna().all()
    assert table["auc_target_within"].isna().all()
    assert table["pauc_target_within"].isna().all()
    np.testing.assert_array_equal(table["auc_source"], table["auc"])
    np.testing.assert_array_equal(table["auc_source"], section_metrics(scored)["auc"])
    # A table read from a file has a column of NaN instead.
    pd.testing.assert_frame_equal(section_metrics(scored.assign(domain=np.nan)), table)


def test_a_section_with_one_class_keeps_its_row_without_metrics(scored):
    fan = (scored["machine"] == "fan") & (scored["section"] == "00")
    table = section_metrics(scored[~(fan & (scored["label"] == 1))])
    assert table.loc[0, COLUMNS[3:11]].isna().all()
    assert table.loc[0, ["clips", "anomalies"]].tolist() == [12, 0]
    pd.testing.assert_frame_equal(table[1:], section_metrics(scored)[1:])


def test_anomalies_in_one_domain_are_enough_for_the_official_terms(scored):
    source_anomalies = (scored["domain"] == "source") & (scored["label"] == 1)
    table = section_metrics(scored[~source_anomalies])
    assert table["auc_source_within"].isna().all()
    assert table[["auc_source", "auc_target", "pauc"]].notna().all(axis=None)


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_clips_without_a_score_or_label_are_left_out(scored, missing):
    whole = section_metrics(scored)
    bad_file = scored[:3].assign(clip_id=["a", "b", "c"], score=missing, status="bad_file")
    unlabeled = scored[3:6].assign(clip_id=["d", "e", "f"], label=pd.NA, score=1e6)
    pd.testing.assert_frame_equal(
        section_metrics(pd.concat([bad_file, scored, unlabeled], ignore_index=True)), whole
    )


def test_terms_can_be_chosen(scored):
    table = section_metrics(scored, ["pauc", "auc"])
    assert list(table.columns) == [*COLUMNS[:3], "pauc", "auc", *COLUMNS[11:]]
    pd.testing.assert_frame_equal(table, section_metrics(scored)[table.columns])


def test_training_clips_are_left_out(scored):
    train = scored.assign(split="train", score=-1e6)
    both = pd.concat([train, scored], ignore_index=True)
    pd.testing.assert_frame_equal(section_metrics(both), section_metrics(scored))


def test_a_labeled_section_without_any_score_keeps_its_row(scored):
    pump = scored["machine"] == "pump"
    unknown = scored.assign(score=scored["score"].mask(pump), status="unknown_group")
    table = section_metrics(unknown)
    assert table["clips"].tolist() == [24, 24, 0, 0]
    assert table.loc[2:, "auc"].isna().all()


def test_no_labeled_clip_gives_an_empty_table_with_its_columns(scored):
    for empty in (scored.assign(label=pd.NA), scored[:0]):
        table = section_metrics(empty)
        assert table.empty
        assert list(table.columns) == COLUMNS
