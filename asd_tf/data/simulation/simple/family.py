"""The family of simple machines."""

from asd_tf.data.simulation.family import Family
from asd_tf.data.simulation.simple.machines import MACHINES
from asd_tf.data.simulation.simple.options import SimpleOptions
from asd_tf.data.simulation.simple.synthesis import waveform

SIMPLE = Family(
    summary="clips of two seconds, in which training shows within minutes",
    options=SimpleOptions,
    machines=MACHINES,
    waveform=waveform,
    format_version=1,
)
