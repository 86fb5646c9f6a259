"""The family of plants."""

from asd_tf.data.simulation.family import Family
from asd_tf.data.simulation.plant.machines import KINDS
from asd_tf.data.simulation.plant.options import PlantOptions
from asd_tf.data.simulation.plant.synthesis import truth, waveform

PLANT = Family(
    summary="clips of ten seconds, as hard as those of DCASE",
    options=PlantOptions,
    machines=KINDS,
    waveform=waveform,
    format_version=1,
    truth=truth,
)
