"""Seeds that are mixed from numbers and words, the same on every machine and in every version."""

import hashlib


def stable_seed(*parts: int | str) -> int:
    """Mixes numbers and words into a seed in 0..2^31-1 that is the same on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
