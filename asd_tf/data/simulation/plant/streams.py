"""Streams of random numbers, one for each thing that is drawn."""

import zlib

import numpy as np


def stream(seed: int, *words: str | int) -> np.random.Generator:
    """Returns the generator of one thing: a function of the seed and of what the thing is called.

    Args:
        seed: Seed of the data set.
        words: The names and numbers of the thing, such as "unit", "fan", 0.
    """
    name = "/".join(["plant", *map(str, words)])
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
