"""A family of simulated machines, and the clips of its data sets."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from asd_tf.data.simulation.clip import SimulatedClip, fault_of, settings_of
from asd_tf.data.simulation.machine import MachineType
from asd_tf.data.simulation.options import FamilyOptions


@dataclasses.dataclass(frozen=True)
class Family:
    """A way to simulate machines.

    Attributes:
        summary: What it is, in some words.
        options: Class of its options.
        machines: Name to type of machine.
        waveform: Function of (clip, options) that returns [samples] or [samples, channels], float32
            in -1..1. A clip is a pure function of its identity and the options: additional clips,
            sections or machines do not change the others.
        format_version: Incremented when the same options begin to give other sounds.
        truth: Function of (clip, options) that returns what was drawn for a clip and its name does
            not state, which is written to `faults.csv`; None if there is nothing.
    """

    summary: str
    options: type[FamilyOptions]
    machines: Mapping[str, MachineType]
    waveform: Callable[[SimulatedClip, Any], np.ndarray]
    format_version: int
    truth: Callable[[SimulatedClip, Any], dict[str, Any]] | None = None

    def clip(
        self,
        options: FamilyOptions,
        machine: str,
        section: int,
        split: str,
        domain: str,
        label: str,
        index: int,
    ) -> SimulatedClip:
        """Returns one clip of a data set, with its settings and its fault."""
        kind = self.machines[machine]
        return SimulatedClip(
            machine, section, split, domain, label, index,
            settings=settings_of(kind, domain, index),
            fault=None if label == "normal" else fault_of(kind, domain, index),
            more=options.more_attributes(split, index),
        )  # fmt: skip

    def clips(self, options: FamilyOptions) -> Iterator[SimulatedClip]:
        """Lists the clips of a data set, machine by machine and section by section."""
        counts = {
            ("train", "source", "normal"): options.train_source,
            ("train", "target", "normal"): options.train_target,
            ("test", "source", "normal"): options.test_normal,
            ("test", "source", "anomaly"): options.test_anomaly,
            ("test", "target", "normal"): options.test_normal,
            ("test", "target", "anomaly"): options.test_anomaly,
        }
        for machine in options.machines:
            for section in range(options.sections):
                for kind, count in counts.items():
                    for index in range(count):
                        yield self.clip(options, machine, section, *kind, index)
