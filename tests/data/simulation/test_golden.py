"""Simulated data must not move: figures on them are compared across versions."""

import json
from pathlib import Path

import numpy as np
import pytest

from asd_tf.data.simulation.dataset import planned_clips, simulate_clip
from asd_tf.data.simulation.families import FAMILIES

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "simulation.json").read_text())

# Rounding of Fourier transforms may differ between processors, in units of 16-bit files.
TOLERANCE = 1.5


@pytest.mark.parametrize("family", FAMILIES)
def test_clips_are_those_of_before(family):
    """Each kept sample must be found again, in its place."""
    golden = GOLDEN[family]
    options = FAMILIES[family].options(**golden["options"])
    planned = {clip.path.as_posix(): clip for clip in planned_clips(options)}
    assert len(golden["clips"]) == 2 * len(options.machines)
    for path, kept in golden["clips"].items():
        wave = 32767 * simulate_clip(planned[path], options)
        assert np.allclose(wave[:: golden["every"]], kept["samples"], atol=TOLERANCE), path
        assert np.isclose(np.sqrt(np.mean(np.square(wave, dtype=float))), kept["rms"], rtol=1e-3)


def test_all_machines_are_kept():
    """The kept clips must be of all families, machines and labels."""
    assert set(GOLDEN) == set(FAMILIES)
    for family, golden in GOLDEN.items():
        machines = FAMILIES[family].options().machines
        kept = {(path.split("/")[1], "anomaly" in path) for path in golden["clips"]}
        assert kept == {(machine, label) for machine in machines for label in (False, True)}
