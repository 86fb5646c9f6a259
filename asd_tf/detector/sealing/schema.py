"""What may stand in the manifest of a detector: types and ranges of its values."""

from collections.abc import Callable, Mapping
from typing import Any

from asd_tf.backends.saving.validation import MAX_FEATURES
from asd_tf.data.decoding.header import CHANNELS
from asd_tf.data.health.fine_levels import FINE_BANDS
from asd_tf.data.health.measures import BANDS
from asd_tf.detector.sealing.rules import (
    Rule,
    RuleError,
    digest,
    finite,
    inner_path,
    integer,
    list_of,
    mapping_of,
    number,
    object_of,
    one_of,
    optional,
    text,
)
from asd_tf.scoring.calibration import METHODS
from asd_tf.scoring.domains import DOMAINS
from asd_tf.scoring.fusion import Fusion
from asd_tf.scoring.group_scorer import COMBINES
from asd_tf.scoring.pooling import checked_pool
from asd_tf.scoring.promises import FALSE_ALARMS, RULES
from asd_tf.scoring.recordings import POOLS
from asd_tf.scoring.scorers import LEVELS

# As in recipes.
SAMPLE_RATES = (2000, 192000)
# The API can make detectors of shorter clips than recipes may have.
SECONDS = (0.001, 600.0)

_MAX_GROUPS = 100_000
_MAX_PARTS = 10_000


def check_manifest(manifest: Any) -> None:
    """Checks types and ranges of all values.

    Args:
        manifest: The content of `detector.json`, with the names of today.

    Raises:
        ValueError: If a value is missing or out of range; the message names it.
    """
    finite(manifest, "")
    object_of(_COMMON, _DESCRIPTION)(manifest, "")
    _KINDS[manifest["kind"]](manifest)
    rate, samples = manifest.get("sample_rate"), manifest.get("samples")
    if rate and samples:
        number(*SECONDS)(samples / rate, "samples/sample_rate, in seconds,")


def _pool(value: Any, where: str) -> None:
    try:
        checked_pool(value)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RuleError(where, "a way of pooling", value) from error


def _check_single(manifest: Mapping[str, Any]) -> None:
    _SINGLE(manifest, "")
    of_group = one_of(manifest["extractors"])
    for index, group in enumerate(manifest["groups"]):
        for scorer in group["scoring"]["scorers"]:
            of_group(scorer["extractor"], f"groups[{index}].scoring.scorers.extractor")


def _check_fused(manifest: Mapping[str, Any]) -> None:
    _FUSED(manifest, "")
    try:
        fusion = Fusion.from_json(manifest["fusion"])
        fusion.check_parts(len(manifest["parts"]))
        fusion.check_machines(group["machine"] for group in manifest["groups"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RuleError("fusion", "a rule for the parts", manifest["fusion"]) from error


def _check_cross_fit(manifest: Mapping[str, Any]) -> None:
    _CROSS_FIT(manifest, "")
    parts = len(manifest["parts"])
    for index, group in enumerate(manifest["groups"]):
        list_of(_scale, parts, least=parts)(group["scales"], f"groups[{index}].scales")


_KINDS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "single": _check_single,
    "fused": _check_fused,
    "cross_fit": _check_cross_fit,
}

_THRESHOLD: Rule = object_of(
    {
        "value": optional(number()),
        # `empirical` and the quantile of a `gamma` distribution are of formats 2 and 3.
        "rule": one_of([*RULES, "empirical", "none"]),
        "n": integer(0, 10**9),
        "scope": one_of(["group", "machine", "none"]),
        "false_alarms": number(*FALSE_ALARMS),
    }
)
_GROUP_OF_ALL: dict[str, Rule] = {"machine": text, "section": text, "threshold": _THRESHOLD}
_SCORER: Rule = object_of(
    {
        "extractor": text,
        "fit_on": one_of(LEVELS),
        "score_on": one_of(LEVELS),
        "pool": _pool,
        "backend": object_of({}),
    },
    {
        "name": text,
        "weight": number(0.0, 1e300),
        "offset": number(),
        "columns": optional(list_of(integer(0, MAX_FEATURES), 2)),
        "weighting": optional(one_of(["matched", "standardized"])),
    },
)
_DECIBELS: Rule = number(-400.0, 400.0)
_SHARE: Rule = number(0.0, 1.0)
_LIMITS: dict[str, Rule] = {
    # What is beyond these is called a fault of the sensor; detectors of 0.1 have none.
    "sensor": object_of(
        {
            "bands_db": list_of(_DECIBELS, BANDS, least=BANDS),
            "silent_db": _DECIBELS,
            "gain_db": list_of(_DECIBELS, 2, least=2),
            "bandwidth_db": _DECIBELS,
            "clipped": _SHARE,
            "dropouts": _SHARE,
            "hum_db": _DECIBELS,
        }
    ),
    # Windows of the machine standing still; only where `data.state` was `auto` and found both.
    "off": object_of(
        {
            "level_db": list_of(_DECIBELS, 2, least=2),
            "off_bands_db": list_of(_DECIBELS, BANDS, least=BANDS),
            "on_bands_db": list_of(_DECIBELS, BANDS, least=BANDS),
        }
    ),
}
_OF_EACH_DOMAIN: Rule = list_of(number(), 2, least=2)
_DOMAINS: Rule = object_of(
    {
        "is_log": one_of([True, False]),
        "least": number(0.0),
        "mean": _OF_EACH_DOMAIN,
        "spread": list_of(number(1e-300), 2, least=2),
        "freedom": list_of(number(1.0, 1e9), 2, least=2),
        "accuracy": _SHARE,
        "coefficients": list_of(number(), FINE_BANDS, least=FINE_BANDS),
        "intercept": number(),
    }
)
_GROUP: Rule = object_of(
    {
        **_GROUP_OF_ALL,
        "folder": inner_path,
        "scoring": object_of(
            {"combine": one_of(COMBINES), "scorers": list_of(_SCORER, _MAX_PARTS)}
        ),
    },
    {"number": integer(0, 10**6), "domains": _DOMAINS, **_LIMITS},
)
_NOTED: Rule = list_of(
    object_of(
        {
            "machine": text,
            "section": text,
            "recordings": integer(0, 10**9),
            "windows": integer(0, 10**9),
            "clips": list_of(text, 10**9, least=0),
        }
    ),
    _MAX_GROUPS,
    least=0,
)
_COMMON: dict[str, Rule] = {
    "asd_tf": text,
    "kind": one_of(_KINDS),
    "sha256": mapping_of(inner_path, digest),
}
_DESCRIPTION: dict[str, Rule] = {
    "method": text,
    "recipe": text,
    "sample_rate": integer(*SAMPLE_RATES),
    "samples": integer(1, 10**9),
    "channel": optional(integer(0, 1023)),
    # Only in detectors of which each channel is a window; others use one, or the mean.
    "channels": integer(2, CHANNELS[1]),
    # Only in detectors that pool windows of a recording: all of them, or, without a hop, the first
    # of each channel.
    "recording": object_of({"pool": one_of(POOLS), "hop": optional(number(0.001, 600.0))}),
    # How p-values go on beyond the highest normal score; detectors of formats 2 and 3 have none.
    # Of the method, only where more than backends have not seen the clips that calibrate.
    "calibration": object_of(
        {"rule": one_of(RULES)}, {"method": one_of(METHODS), "domains": one_of(DOMAINS)}
    ),
    # Of the networks, in samples; only where the recipe states them, and not in detectors of 0.1.
    "frames": list_of(
        object_of({"length": integer(1, 10**9), "step": integer(1, 10**9)}), _MAX_PARTS
    ),
    # The attribute of a clip that says `off` where the machine stands still.
    "state_column": text,
    # Of the normal windows that are kept, and how many there were; from format 5 on.
    "features": object_of(
        {
            "seed": integer(0, 2**64),
            "windows": integer(0, 10**9),
            "kept": integer(0, 10**9),
        },
        # What the units of windows are; only where they are not recordings.
        {"group_by": text},
    ),
    # What commands have made of it since its training, the latest last.
    "history": list_of(
        object_of(
            {"verb": text, "time": text, "asd_tf": text, "parent": digest},
            {
                "added": _NOTED,
                "removed": _NOTED,
                "confirmed": _NOTED,
                "before": number(*FALSE_ALARMS),
                "false_alarms": number(*FALSE_ALARMS),
            },
        ),
        10**6,
    ),
}


def _name_of(group: Mapping[str, Any]) -> tuple[str, str]:
    return group["machine"], group["section"]


_SINGLE: Rule = object_of(
    {
        "sample_rate": integer(*SAMPLE_RATES),
        "extractors": list_of(inner_path, _MAX_PARTS, unique=str),
        "groups": list_of(_GROUP, _MAX_GROUPS, unique=_name_of),
    }
)
_FUSED: Rule = object_of(
    {
        "fusion": object_of({}),
        "parts": list_of(inner_path, _MAX_PARTS, unique=str),
        "groups": list_of(object_of(_GROUP_OF_ALL), _MAX_GROUPS, unique=_name_of),
    },
    # How well each part tells pseudo-faults of a machine from its normal clips.
    {"pseudo_fault_auc": mapping_of(text, list_of(optional(_SHARE), _MAX_PARTS))},
)


def _scale(value: Any, where: str) -> None:
    """Takes mean and standard deviation of the scores of a part."""
    list_of(number(), 2, least=2)(value, where)
    number(1e-12, 1e300)(value[1], f"{where}[1]")


_CROSS_FIT: Rule = object_of(
    {
        "parts": list_of(inner_path, _MAX_PARTS, unique=str),
        "groups": list_of(
            object_of(
                {**_GROUP_OF_ALL, "scales": list_of(_scale, _MAX_PARTS)}, {"domains": _DOMAINS}
            ),
            _MAX_GROUPS,
            unique=_name_of,
        ),
    }
)
