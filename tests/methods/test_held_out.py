"""Which clips calibrate a network that has not seen them."""

import numpy as np
import pandas as pd

from asd_tf.methods.held_out import hold_out


def clips(sections=2, source=20, target=3):
    rows = [
        (f"{section}/{domain}{index}", "fan", f"0{section}", domain)
        for section in range(sections)
        for domain, count in (("source", source), ("target", target))
        for index in range(count)
    ]
    return pd.DataFrame(rows, columns=["clip_id", "machine", "section", "domain"])


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
