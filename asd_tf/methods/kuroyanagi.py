"""The system of Kuroyanagi et al., DCASE 2021: autoencoders and binary classifiers, fused.

"An ensemble approach to anomalous sound detection based on conformer-based autoencoder and binary
classifier incorporated with metric learning", Section 3.3: the scores of both are brought to mean 0
and variance 1 and averaged. Each part is the method of its own, see `kuroyanagi_ae` and
`kuroyanagi_bc`.
"""

from asd_tf.config import check_choices
from asd_tf.detector.fusion import RULES
from asd_tf.methods import kuroyanagi_ae, kuroyanagi_bc
from asd_tf.methods.ensembles import fuse_parts
from asd_tf.methods.progress import Say
from asd_tf.run import Run

PARTS = {"ae": kuroyanagi_ae, "bc": kuroyanagi_bc}


def fit(run: Run, say: Say) -> None:
    """Trains both parts and writes the detector."""
    check_choices(run.config, {"fusion.rule": RULES})
    parts = {name: run.part(name, section=name) for name in PARTS}
    for name, method in PARTS.items():
        method.candidates_of(parts[name].config)  # a mistake in the second is better known first
    fuse_parts(run, parts, lambda name: PARTS[name].fit(parts[name], say), run.config.fusion.rule)
