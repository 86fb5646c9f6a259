"""Whose clips are outliers for a classifier, and which classifiers score a section.

Kuroyanagi et al., DCASE 2021, Sections 2.2 and 3.2.
"""

from asd_tf.data.groups import Group

POLICIES = ("sections", "machines", "both", "same_dataset")
VOTES = ("own", "all", "all_but_rejecting")


def is_outlier(policy: str, group: Group, other: Group) -> bool:
    """Returns whether the clips of another group are outliers for the classifier of a section.

    Args:
        policy: Which clips are outliers: those of other `sections` of the machine, of other
            `machines`, of `both`, or of `same_dataset`: of `both`, recorded for the same dataset.
            ToyADMOS and ToyADMOS2 have the machines whose names begin with Toy, MIMII and MIMII DUE
            have all others.
        group: Machine and section of the classifier.
        other: Machine and section of the clips.
    """
    if other == group:
        return False
    same_machine = other[0] == group[0]
    if policy == "same_dataset":
        return other[0].startswith("Toy") == group[0].startswith("Toy")
    return {"sections": same_machine, "machines": not same_machine, "both": True}[policy]


def votes(sections: str, policy: str, of: Group, scored: Group) -> bool:
    """Returns whether a classifier takes part in the score of a section.

    Args:
        sections: Whose classifiers do: those of the `own` section, of `all` sections of the
            machine (N x S models, Section 3.2), or `all_but_rejecting`: of all but those that were
            trained to reject clips of the scored section as outliers.
        policy: Whose clips were outliers of the classifier, see `is_outlier`.
        of: The section that it was trained for.
        scored: The section whose clips are scored.
    """
    if of[0] != scored[0] or sections == "own":
        return of == scored
    return sections == "all" or not is_outlier(policy, of, scored)
