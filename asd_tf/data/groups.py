"""Groups: a machine and one of its sections, the unit of backends and thresholds."""

import numpy as np
import pandas as pd

Group = tuple[str, str]


def groups_of(clips: pd.DataFrame) -> list[Group]:
    """Returns machine and section of each clip, in the order of the table."""
    return list(zip(clips["machine"], clips["section"], strict=True))


def rows_of_groups(clips: pd.DataFrame) -> dict[Group, np.ndarray]:
    """Returns the indices of the clips of each group; groups are sorted by name."""
    groups = clips.reset_index(drop=True).groupby(["machine", "section"], sort=True).groups
    return {group: indices.to_numpy() for group, indices in groups.items()}
