"""A signature must be of the key and of the detector, whatever the file of it says."""

import json
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from sealed import detector_of_format, reseal

from asd_tf.api import load_detector
from asd_tf.detector.sealing.manifest import read_manifest, sign_detector
from asd_tf.detector.sealing.signature import SIGNATURE, verify_signature
from asd_tf.errors import InputError, UsageError
from asd_tf.files import read_json, write_json

SECRET = "secret"
PAIR = "private.pem"


def write_pem(path, private):
    """Writes a private key, and the public one beside it."""
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(private.private_bytes(pem, serialization.PrivateFormat.PKCS8, none))
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    path.with_name("public.pem").write_bytes(private.public_key().public_bytes(pem, public))


@pytest.fixture
def keys(tmp_path):
    """A secret, a pair of keys, and others of both kinds in the folder `other`."""
    for folder in (tmp_path / "keys", tmp_path / "keys" / "other"):
        folder.mkdir()
        write_pem(folder / PAIR, ed25519.Ed25519PrivateKey.generate())
        (folder / SECRET).write_bytes(folder.name.encode() * 10)
    return tmp_path / "keys"


@pytest.fixture
def detector(tmp_path):
    return detector_of_format(3, tmp_path)


@pytest.mark.parametrize(
    ("signing", "verifying"), [(SECRET, SECRET), (PAIR, "public.pem"), (PAIR, PAIR)]
)
def test_a_signed_detector_is_loaded_with_its_key_alone(detector, keys, signing, verifying):
    """The key that signed must verify, and no other key may."""
    sign_detector(detector, keys / signing)
    assert load_detector(detector, require_signature=keys / verifying).folder == detector
    assert load_detector(detector).folder == detector
    for other in (keys / "other" / signing, keys / (PAIR if signing == SECRET else SECRET)):
        with pytest.raises(InputError, match="is signed with another key"):
            read_manifest(detector, other)


@pytest.mark.parametrize("key", [SECRET, PAIR])
def test_what_is_altered_after_signing_is_refused(detector, keys, key):
    """Right checksums must not help: the signature is of the manifest that was signed."""
    sign_detector(detector, keys / key)
    reseal(detector, lambda m: m["groups"][0]["threshold"].update(value=1e9))
    assert read_manifest(detector)["groups"][0]["threshold"]["value"] == 1e9
    with pytest.raises(InputError, match="the signature is not of this detector"):
        read_manifest(detector, keys / key)


def test_an_unsigned_detector_is_refused_where_a_signature_is_required(detector, keys):
    """A missing signature must be an error, not a note."""
    with pytest.raises(InputError, match="is not signed, and a signature is required"):
        load_detector(detector, require_signature=keys / SECRET)


def test_a_detector_of_an_earlier_format_can_be_signed(tmp_path, keys):
    """A detector without a digest is signed by the same values."""
    folder = detector_of_format(2, tmp_path)
    sign_detector(folder, keys / PAIR)
    assert read_manifest(folder, keys / "public.pem")["format_version"] == 2


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "none", "ed25519"])
def test_the_key_decides_the_algorithm(detector, keys, algorithm):
    """A public key must not pass as a secret: the file of the signature cannot choose."""
    sign_detector(detector, keys / SECRET)
    found = read_json(detector / SIGNATURE)
    write_json(detector / SIGNATURE, {**found, "algorithm": algorithm})
    with pytest.raises(InputError, match="signed with another key"):
        read_manifest(detector, keys / "public.pem")


def test_a_damaged_signature_is_refused(detector, keys):
    """Every flipped bit of a signature must be refused where it is required."""
    sign_detector(detector, keys / PAIR)
    content = (detector / SIGNATURE).read_bytes()
    key, digest, accepted = keys / "public.pem", read_manifest(detector)["digest"], 0
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        (detector / SIGNATURE).write_bytes(flipped)
        try:
            verify_signature(detector, digest, key)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            accepted += 1  # white space, and the case of hexadecimal digits
            found = json.loads(flipped)["signature"]
            assert bytes.fromhex(found) == bytes.fromhex(json.loads(content)["signature"])
    assert accepted < 80


def test_only_whole_detectors_are_signed(detector, keys):
    """A signature must not vouch for a file that is not as it was written."""
    (detector / "calibration" / "scores.csv").write_text("")
    with pytest.raises(InputError, match="altered file"):
        sign_detector(detector, keys / SECRET)
    assert not (detector / SIGNATURE).exists()


def test_a_public_key_does_not_sign(detector, keys):
    """A public key must be refused before anything is written."""
    with pytest.raises(UsageError, match="a public key can verify only"):
        sign_detector(detector, keys / "public.pem")
    assert not (detector / SIGNATURE).exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has 0 bytes, a secret needs 32"),
        (b"short", "has 5 bytes, a secret needs 32"),
        (b"x" * 10**5, "is too large for a key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is damaged"),
        (None, "the key cannot be read"),
    ],
)
def test_keys_that_are_none_are_refused(detector, tmp_path, content, message):
    """What is no key must be named, and not be taken as a weak one."""
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(InputError, match=message):
        sign_detector(detector, tmp_path / "key")


def test_keys_of_other_kinds_are_refused(detector, tmp_path):
    """A key of another curve must not be used, and one with a password is told."""
    write_pem(tmp_path / "ec.pem", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(InputError, match="is no key of ed25519"):
        sign_detector(detector, tmp_path / "ec.pem")
    private = ed25519.Ed25519PrivateKey.generate()
    locked = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    (tmp_path / "locked.pem").write_bytes(locked)
    with pytest.raises(InputError, match="protected by a password"):
        sign_detector(detector, tmp_path / "locked.pem")


def test_without_cryptography_the_extra_is_named(detector, keys, monkeypatch):
    """A secret needs no further package; a key of ed25519 says which."""
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    sign_detector(detector, keys / SECRET)
    assert read_manifest(detector, keys / SECRET)
    with pytest.raises(UsageError, match=r"pip install 'asd_tf\[sign\]'"):
        sign_detector(detector, keys / PAIR)
