"""The sections in which recordings are scored that do not name one."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.data.health.state import OFF


def with_only_section(clips: pd.DataFrame, groups: Iterable[Group]) -> pd.DataFrame:
    """Fills in missing sections of machines of which a detector knows one section."""
    sections: dict[str, list[str]] = {}
    for machine, section in groups:
        sections.setdefault(machine, []).append(section)
    only = {machine: names[0] for machine, names in sections.items() if len(names) == 1}
    return clips.assign(section=clips["section"].fillna(clips["machine"].map(only)))


def in_all_sections(clips: pd.DataFrame, groups: Iterable[Group]) -> pd.DataFrame:
    """Returns a row for each clip and section of its machine; one row if that is not known."""
    sections = pd.DataFrame(list(groups), columns=["machine", "section"], dtype="str")
    return clips.drop(columns="section").merge(sections, on="machine", how="left")


def best_rows(tried: pd.DataFrame) -> np.ndarray:
    """Returns the row [clips] of each clip in the section that fits its recording best.

    Args:
        tried: The scored table of the clips in all sections.
    """
    # The difference is compared, since the ratio of negative scores, such as cosines, has the
    # opposite order. Scores themselves are compared where no section of the machine has a
    # threshold; else a section without one is the last choice.
    threshold = tried["threshold"]
    has_any = threshold.notna().groupby(tried["machine"], dropna=False).transform("any")
    excess = tried["score"] - threshold.fillna(0.0).where(~has_any | threshold.notna())
    excess = excess.fillna(np.inf).where(tried["status"].ne(OFF))
    # All windows of a recording have the same section, that of the smallest mean.
    of_section = excess.groupby([tried["recording_id"], tried["section"]], dropna=False)
    mean = of_section.transform("mean").fillna(np.inf)
    return mean.groupby(tried["clip_id"], sort=False).idxmin().to_numpy()
