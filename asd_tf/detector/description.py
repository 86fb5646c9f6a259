"""What a detector is, in words: by its manifest, without its networks and backends."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from asd_tf.detector import Detector
from asd_tf.detector.folder import plain_files
from asd_tf.detector.parts import OWN, single_parts
from asd_tf.detector.sealing.signature import read_signature

_SEVERAL = "several"


def facts_of(detector: Detector) -> dict[str, str]:
    """Returns name and value of what a detector is.

    Args:
        detector: The detector.

    Returns:
        Only what is known: detectors of 0.1 do not know their frames, and the parts of a fused
        detector may differ.
    """
    manifest = detector.manifest
    facts = {
        "format": f"{manifest['format_version']}, written by asd_tf {manifest['asd_tf']}",
        "method": manifest.get("method", _SEVERAL),
        "recipe": manifest.get("recipe", _SEVERAL),
        "parts": ", ".join(name for name in single_parts(detector) if name != OWN),
        "rule": _rule(manifest),
        "weights": _weights(detector),
        "extractors": ", ".join(manifest.get("extractors", [])),
        "sample rate": f"{manifest.get('sample_rate', _SEVERAL)} Hz",
        "clip": _clip(manifest),
        "windows": _windows(manifest),
        "frames": "; ".join(frames_of(detector)),
        "channel": _channel(manifest),
        "groups": str(len(manifest["groups"])),
        "files": _files(detector),
        "features": _kept(detector),
        "signed": signature_of(detector),
    }
    return {name: text for name, text in facts.items() if text}


def part_weights(detector: Detector) -> pd.DataFrame | None:
    """Returns how the parts of a detector are weighted.

    Args:
        detector: The detector.

    Returns:
        Columns machine, part, weight and pseudo_fault_auc (NaN where it is not known), a row for
        each part of each machine; None where machines have no weights of their own. Without
        machines that have left the detector.
    """
    weights = detector.manifest.get("fusion", {}).get("machine_weights")
    if weights is None:
        return None
    parts, aucs = detector.manifest["parts"], detector.manifest.get("pseudo_fault_auc", {})
    known = {group["machine"] for group in detector.manifest["groups"]}
    tables = [
        pd.DataFrame(
            {
                "machine": machine,
                "part": parts,
                "weight": of_parts,
                "pseudo_fault_auc": pd.array(aucs.get(machine, [None] * len(parts)), "Float64"),
            }
        )
        for machine, of_parts in weights.items()
        if machine in known
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(pseudo_fault_auc=table["pseudo_fault_auc"].astype(float))


def frames_of(detector: Detector) -> list[str]:
    """Returns how the networks of all parts divide a clip into frames, each way once."""
    ways = [
        f"{1000 * frames['length'] / part.manifest['sample_rate']:.4g} ms every "
        f"{1000 * frames['step'] / part.manifest['sample_rate']:.4g} ms"
        for part in single_parts(detector).values()
        for frames in part.manifest.get("frames", [])
    ]
    return list(dict.fromkeys(ways))


def signature_of(detector: Detector) -> str:
    """Returns whether a detector is signed, and with which key; the signature is not checked."""
    signature = read_signature(detector.folder)
    if signature is None:
        return "no"
    return f"{signature['algorithm']}, key {signature['key']} (not verified)"


def _clip(manifest: Mapping[str, Any]) -> str:
    if "samples" not in manifest or "sample_rate" not in manifest:
        return "several lengths"
    return f"{manifest['samples'] / manifest['sample_rate']:g} s"


def _windows(manifest: Mapping[str, Any]) -> str:
    rule = manifest.get("recording")
    if rule is None:
        return ""
    if rule["hop"] is None:
        return f"the first of a recording and channel, pooled by {rule['pool']}"
    return f"all of a recording, every {rule['hop']:g} s, pooled by {rule['pool']}"


def _channel(manifest: Mapping[str, Any]) -> str:
    if "channels" in manifest:
        return f"each of {manifest['channels']}, as windows of their own"
    channel = manifest.get("channel")
    return "mean of all" if channel is None else str(channel)


def _rule(manifest: Mapping[str, Any]) -> str:
    if manifest["kind"] == "cross_fit":
        return "mean of scores, each standardized by those of clips that its part has not seen"
    fusion = manifest.get("fusion")
    if fusion is None:
        return ""
    weights, scale = fusion["weights"], f" of {fusion['scale']} scores"
    shown = "" if weights is None else f", weights {', '.join(f'{weight:g}' for weight in weights)}"
    return f"{fusion['rule']}{'' if 'rank' in fusion['rule'] else scale}{shown}"


def _kept(detector: Detector) -> str:
    """Returns how many normal windows are kept to fit it again, of how many, and their size."""
    kept = [part.manifest.get("features") for part in single_parts(detector).values()]
    if None in kept or not kept:
        return ""
    counts = (sum(of[name] for of in kept if of is not None) for name in ("kept", "windows"))
    size = sum(
        size
        for name, size in plain_files(detector.folder).items()
        if PurePosixPath(name).parent.name == "features" and "extractors/" not in name
    )
    return "{} of {} normal windows, {}".format(*counts, _size(size))


def _weights(detector: Detector) -> str:
    table = part_weights(detector)
    if table is None:
        return ""
    texts = [
        f"{machine}: " + ", ".join(f"{row.part} {row.weight:.3g}" for row in rows.itertuples())
        for machine, rows in table.groupby("machine", sort=False)
    ]
    return "; ".join(texts)


def _files(detector: Detector) -> str:
    sizes = plain_files(detector.folder).values()
    return f"{len(sizes)}, {_size(sum(sizes))}"


def _size(size: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"
