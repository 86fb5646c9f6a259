"""Features in half the space: float16, centered and scaled by feature."""

from typing import NamedTuple

import numpy as np


class Packing(NamedTuple):
    """How features are packed: (value - center) / spread as float16.

    The rounding error of a feature is at most 1/4096 of its spread, however far from 0 it is.
    Values that were unpacked are packed to the same numbers again.

    Attributes:
        center: [D] float32, the mean of each feature.
        spread: [D] float32, the largest distance from it; 1 where there is none.
    """

    center: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Packing":
        """Returns the packing that suits features [n, D] or [n, items, D]."""
        rows = values.reshape(-1, values.shape[-1])
        center = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = np.abs(rows - center).max(axis=0)
        return cls(center, np.where(spread > 0, spread, 1.0).astype(np.float32))

    def pack(self, values: np.ndarray) -> np.ndarray:
        """Returns features as float16; infinite where one is too far beyond the spread."""
        with np.errstate(over="ignore"):
            return ((values - self.center) / self.spread).astype(np.float16)

    def unpack(self, packed: np.ndarray) -> np.ndarray:
        """Returns packed features as float32."""
        return packed.astype(np.float32) * self.spread + self.center


def packed_with(packing: Packing | None, values: np.ndarray) -> tuple[Packing, np.ndarray]:
    """Packs features; returns the packing that was used, and the packed values.

    Args:
        packing: That of earlier values, which is used if it has room for these; None for a new one.
        values: [n, D] or [n, items, D] float32, finite.
    """
    if packing is not None:
        packed = packing.pack(values)
        if np.isfinite(packed).all():
            return packing, packed
    packing = Packing.of(values)
    return packing, packing.pack(values)
