"""Signatures of detectors: who made one, checked with a key that the user has.

A signature covers the digest of the manifest, and thereby all files of the detector. It lies beside
the manifest in `signature.json`. The key decides the algorithm, never the signature: a file in PEM
is a key of ed25519, any other a secret of HMAC-SHA256.
"""

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asd_tf.errors import InputError, UsageError
from asd_tf.files import read_json, write_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ed25519

SIGNATURE = "signature.json"
FORMAT = 1

HMAC = "hmac-sha256"
ED25519 = "ed25519"

# What is signed begins with this, so that no signature of something else can be used.
_PURPOSE = b"asd_tf detector 1\n"
_MIN_SECRET_BYTES = 32
_MAX_KEY_BYTES = 2**16
_MAX_SIGNATURE_BYTES = 2**16


@dataclass(frozen=True)
class Key:
    """A key to sign or to verify with.

    Attributes:
        algorithm: `hmac-sha256` or `ed25519`.
        fingerprint: A short name of the key, which does not reveal it.
    """

    algorithm: str
    fingerprint: str
    _secret: bytes = b""
    _private: "ed25519.Ed25519PrivateKey | None" = None
    _public: "ed25519.Ed25519PublicKey | None" = None

    def sign(self, message: bytes) -> bytes:
        """Returns the signature of a message.

        Raises:
            UsageError: If this is a public key.
        """
        if self.algorithm == HMAC:
            return hmac.digest(self._secret, message, "sha256")
        if self._private is None:
            raise UsageError("a public key can verify only: sign with the private one")
        return self._private.sign(message)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Returns whether the key, or the private key that belongs to it, made a signature."""
        if self.algorithm == HMAC:
            return hmac.compare_digest(self.sign(message), signature)
        from cryptography.exceptions import InvalidSignature

        assert self._public is not None
        try:
            self._public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def read_key(path: Path) -> Key:
    """Reads a key.

    Args:
        path: A private or public key of ed25519 in PEM, or a secret of at least 32 bytes.

    Raises:
        InputError: If it is missing or neither.
        UsageError: If it is a key of ed25519 and the package `cryptography` is missing.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_KEY_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: the key cannot be read ({error.strerror})") from None
    if len(content) > _MAX_KEY_BYTES:
        raise InputError(f"{path}: is too large for a key")
    if content.lstrip().startswith(b"-----BEGIN"):
        return _pem_key(path, content)
    if len(content) < _MIN_SECRET_BYTES:
        raise InputError(
            f"{path}: has {len(content)} bytes, a secret needs {_MIN_SECRET_BYTES}: make one with "
            "openssl rand -hex 32"
        )
    return Key(HMAC, _fingerprint(content), _secret=content)


def _pem_key(path: Path, content: bytes) -> Key:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise UsageError(
            "keys of ed25519 need the package cryptography: pip install 'asd_tf[sign]'"
        ) from None
    private: Any = None
    try:
        if b"PRIVATE KEY-----" in content:
            private = serialization.load_pem_private_key(content, password=None)
            public: Any = private.public_key()
        else:
            public = serialization.load_pem_public_key(content)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        kind = "is protected by a password" if isinstance(error, TypeError) else "is damaged"
        raise InputError(f"{path}: the key {kind}, or is not in PEM") from None
    if not isinstance(public, ed25519.Ed25519PublicKey):
        raise InputError(f"{path}: is no key of ed25519: make one as docs/detectors.md says")
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return Key(ED25519, _fingerprint(raw), _private=private, _public=public)


def write_signature(folder: Path, digest: str, key: Key) -> None:
    """Signs a detector.

    Args:
        folder: The folder of the detector.
        digest: The digest of its manifest.
        key: The key.

    Raises:
        UsageError: If the key is a public one.
    """
    signature = {
        "format_version": FORMAT,
        "algorithm": key.algorithm,
        "key": key.fingerprint,
        "signature": key.sign(_message(digest)).hex(),
    }
    write_json(folder / SIGNATURE, signature)


def read_signature(folder: Path) -> dict[str, Any] | None:
    """Returns the content of `signature.json`, which is not verified; None if there is none.

    Raises:
        InputError: If it is damaged.
    """
    path = folder / SIGNATURE
    try:
        if path.stat().st_size > _MAX_SIGNATURE_BYTES:
            raise ValueError
        found = read_json(path)
        if found["format_version"] != FORMAT:
            raise ValueError
        return {name: str(found[name]) for name in ("algorithm", "key", "signature")}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path}: the file is damaged; take a fresh copy") from None


def verify_signature(folder: Path, digest: str, key_file: Path) -> Key:
    """Checks that a detector was signed with a key, and returns the key.

    Args:
        folder: The folder of the detector.
        digest: The digest of its manifest.
        key_file: The key, see `read_key`.

    Raises:
        InputError: If there is no signature, or it is of another key or another detector.
    """
    key, found = read_key(Path(key_file)), read_signature(folder)
    if found is None:
        raise InputError(f"{folder}: is not signed, and a signature is required")
    if (found["algorithm"], found["key"]) != (key.algorithm, key.fingerprint):
        raise InputError(
            f"{folder}: is signed with another key ({found['algorithm']} {found['key'][:16]}, not "
            f"{key.algorithm} {key.fingerprint})"
        )
    try:
        signature = bytes.fromhex(found["signature"])
    except ValueError:
        signature = b""
    if not key.verifies(_message(digest), signature):
        raise InputError(f"{folder}: the signature is not of this detector: it was altered")
    return key


def _message(digest: str) -> bytes:
    return _PURPOSE + digest.encode("ascii")


def _fingerprint(key: bytes) -> str:
    return hashlib.sha256(b"asd_tf key\n" + key).hexdigest()[:16]
