"""The settings of a run beside its recipe."""

import dataclasses

from asd_tf.training.devices import Devices


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of a run beside its recipe.

    Attributes:
        method: Name of the method.
        recipe: Name of the recipe.
        dataset: Name of the layout of the data, such as `dcase2022`.
        seed: Seed of everything random.
        num_runs: How many runs with seeds from `seed` on are fused; 1 is a single run.
        untrained: Whether all training is skipped, as a lower reference for results.
        mixed_precision: See `Devices.precision`.
        strategy: See `Devices.strategy`.
        deterministic: See `Devices.deterministic`.
        on_bad_file: `fail` or `skip`.
        init_from: Digest of the weights that the networks start from; None for random ones.
    """

    method: str
    recipe: str
    dataset: str
    seed: int = 0
    num_runs: int = 1
    untrained: bool = False
    mixed_precision: str = "float32"
    strategy: str = "one_device"
    deterministic: bool = False
    on_bad_file: str = "fail"
    init_from: str | None = None

    @property
    def devices(self) -> Devices:
        """The hardware settings alone."""
        return Devices(self.mixed_precision, self.strategy, self.deterministic)


TRAINING_SETTINGS = (
    "method", "seed", "untrained", "mixed_precision", "strategy", "deterministic",
    "init_from",
)  # fmt: skip
"""The settings that the weights of any training depend on."""
