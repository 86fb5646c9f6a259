"""The choice of the clips that are held out of training to calibrate."""

import numpy as np
import pandas as pd

from asd_tf.methods.common.held_out import hold_out


def clips(sections=2, source=20, target=3):
    rows = [
        (f"{section}/{domain}{index}", "fan", f"0{section}", domain)
        for section in range(sections)
        for domain, count in (("source", source), ("target", target))
        for index in range(count)
    ]
    table = pd.DataFrame(rows, columns=["clip_id", "machine", "section", "domain"])
    return table.assign(recording_id=table["clip_id"])


def test_a_share_of_the_source_clips_of_each_section_is_held_out():
    table = clips()
    chosen = table[hold_out(table, 0.1)]
    assert chosen["section"].value_counts().to_dict() == {"00": 2, "01": 2}
    assert set(chosen["domain"]) == {"source"}


def test_the_choice_does_not_depend_on_order_or_on_other_sections():
    """Adding a machine must not change what the others are calibrated on."""
    table = clips()
    chosen = set(table["clip_id"][hold_out(table, 0.1)])
    shuffled = table.sample(frac=1, random_state=0).reset_index(drop=True)
    assert set(shuffled["clip_id"][hold_out(shuffled, 0.1)]) == chosen
    alone = table[table["section"] == "00"].reset_index(drop=True)
    expected = {name for name in chosen if name.startswith("0/")}
    assert set(alone["clip_id"][hold_out(alone, 0.1)]) == expected


def test_little_is_still_held_out_and_never_all():
    assert hold_out(clips(1, source=2, target=0), 0.1).sum() == 1
    assert not hold_out(clips(1, source=1, target=0), 0.5).any()
    assert not hold_out(clips(), 0.0).any()
    unknown = clips(1, 10, 0).assign(domain=pd.NA)
    assert np.sum(hold_out(unknown, 0.2)) == 2


def test_windows_of_a_recording_are_held_out_together():
    """Half of a recording in training would make the other half no test of anything."""
    table = clips(1, source=20, target=0)
    windows = table.loc[table.index.repeat(3)].reset_index(drop=True)
    windows["clip_id"] = [f"{name}@{index}" for index, name in enumerate(windows["clip_id"])]
    chosen = hold_out(windows, 0.1)
    assert chosen.sum() == 6
    expected = set(table["recording_id"][hold_out(table, 0.1)])
    assert set(windows["recording_id"][chosen]) == expected
    assert not set(windows["recording_id"][~chosen]) & expected
