"""Synthetic scored tables."""

import numpy as np
import pandas as pd
import pytest


def make_scored(machines=("fan", "pump"), sections=2, per_class=6, seed=0) -> pd.DataFrame:
    """Builds a scored table with `per_class` test clips per section, domain and label."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        [
            (machine, f"{section:02d}", domain, label, number)
            for machine in machines
            for section in range(sections)
            for domain in ("source", "target")
            for label in (0, 1)
            for number in range(per_class)
        ],
        columns=["machine", "section", "domain", "label", "number"],
    )
    # Rounded scores, so that there are ties.
    frame["score"] = np.round(rng.normal(size=len(frame)) + frame["label"], 1)
    frame["threshold"] = 0.8
    frame["decision"] = (frame["score"] > 0.8).astype("Int64")
    names = frame[["machine", "section", "domain", "label", "number"]].astype(str)
    frame["clip_id"] = names.agg("_".join, axis=1) + ".wav"
    frame["path"] = "/data/" + frame["clip_id"]
    frame["label"] = frame["label"].astype("Int64")
    frame = frame.assign(split="test", subset="dev", status="ok")
    columns = "clip_id path machine section domain split label subset score threshold decision"
    return frame[[*columns.split(), "status"]]


@pytest.fixture
def scored() -> pd.DataFrame:
    """Two machines of two sections, 24 clips each."""
    return make_scored()


@pytest.fixture
def one_section() -> pd.DataFrame:
    """A machine of one section."""
    return make_scored(["fan"], sections=1)


@pytest.fixture(scope="session")
def scored_table():
    """The function that makes scored tables."""
    return make_scored
