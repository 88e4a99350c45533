"""Certificates made at run time, so that no key is ever committed: X.509 v3 over ECDSA P-256 with SHA-256.

For tests only: nothing here is constant-time. Sources: RFC 5280 (certificates), RFC 5480 and RFC 5915 (EC keys), FIPS
186-4 (ECDSA, P-256), X.690 (DER).
"""

import base64
import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_Point = tuple[int, int] | None

_SEQUENCE, _SET, _OCTETS, _BITS, _INTEGER, _UTF8, _TIME, _TRUE = (
    0x30,
    0x31,
    0x04,
    0x03,
    0x02,
    0x0C,
    0x17,
    b"\x01\x01\xff",
)
_ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
_EC_KEY = bytes.fromhex("06072a8648ce3d0201")
_P256 = bytes.fromhex("06082a8648ce3d030107")
_COMMON_NAME = bytes.fromhex("0603550403")
_BASIC_CONSTRAINTS = bytes.fromhex("0603551d13")
_KEY_USAGE = bytes.fromhex("0603551d0f")
_ALTERNATIVE_NAMES = bytes.fromhex("0603551d11")
_KEY_ID = bytes.fromhex("0603551d0e")
_ISSUER_KEY_ID = bytes.fromhex("0603551d23")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A private key and its certificate, as the PEM files that MODERATION_KAFKA__SSL_* name."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority of its own. `certificate` is what those who trust it are given."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = name
        self._secret, self._public = _new_key()
        extensions = _extension(_BASIC_CONSTRAINTS, _der(_SEQUENCE, _TRUE), critical=True)
        extensions += _extension(_KEY_USAGE, _der(_BITS, b"\x01\x06"), critical=True)
        self.certificate = folder / "ca.pem"
        _write(self.certificate, "CERTIFICATE", self._signed(name, self._public, extensions))

    def issue(self, name: str, *addresses: str) -> KeyPair:
        """A certificate for `name`, valid for these IP addresses (for a client: none)."""
        secret, public = _new_key()
        names = b"".join(_der(0x87, ipaddress.ip_address(address).packed) for address in addresses)
        alternative = _extension(_ALTERNATIVE_NAMES, _der(_SEQUENCE, names)) if names else b""
        pair = KeyPair(certificate=self._folder / f"{name}.pem", key=self._folder / f"{name}.key")
        _write(pair.certificate, "CERTIFICATE", self._signed(name, public, alternative))
        curve, point = _der(0xA0, _P256), _der(0xA1, _bit_string(public))
        _write(
            pair.key,
            "EC PRIVATE KEY",
            _der(_SEQUENCE, _integer(1) + _der(_OCTETS, secret.to_bytes(32, "big")) + curve + point),
        )
        return pair

    def _signed(self, subject: str, public: bytes, extensions: bytes) -> bytes:
        now = datetime.now(UTC)
        algorithm = _der(_SEQUENCE, _ECDSA_SHA256)
        key_ids = _extension(_KEY_ID, _der(_OCTETS, _identifier(public)))
        key_ids += _extension(_ISSUER_KEY_ID, _der(_SEQUENCE, _der(0x80, _identifier(self._public))))
        body = _der(
            _SEQUENCE,
            _der(0xA0, _integer(2))
            + _integer(secrets.randbits(120))
            + algorithm
            + _distinguished(self._name)
            + _der(_SEQUENCE, _time(now - timedelta(hours=1)) + _time(now + timedelta(days=1)))
            + _distinguished(subject)
            + _der(_SEQUENCE, _der(_SEQUENCE, _EC_KEY + _P256) + _bit_string(public))
            + _der(0xA3, _der(_SEQUENCE, extensions + key_ids)),
        )
        return _der(_SEQUENCE, body + algorithm + _bit_string(_sign(self._secret, body)))


def _new_key() -> tuple[int, bytes]:
    secret = secrets.randbelow(_N - 1) + 1
    point = _times(secret)
    return secret, b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def _sign(secret: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    once = secrets.randbelow(_N - 1) + 1
    r = _times(once)[0] % _N
    s = pow(once, -1, _N) * (digest + r * secret) % _N
    return _der(_SEQUENCE, _integer(r) + _integer(s))


def _times(factor: int) -> tuple[int, int]:
    result: _Point = None
    addend: _Point = _G
    while factor:
        if factor & 1:
            result = _add(result, addend)
        addend = _add(addend, addend)
        factor >>= 1
    assert result is not None
    return result


def _add(left: _Point, right: _Point) -> _Point:
    if left is None or right is None:
        return left or right
    if left[0] == right[0] and (left[1] + right[1]) % _P == 0:
        return None
    if left == right:
        slope = (3 * left[0] ** 2 - 3) * pow(2 * left[1], -1, _P)
    else:
        slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, _P)
    x = (slope**2 - left[0] - right[0]) % _P
    return x, (slope * (left[0] - x) - left[1]) % _P


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _integer(value: int) -> bytes:
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bit_string(content: bytes) -> bytes:
    return _der(_BITS, b"\x00" + content)


def _time(instant: datetime) -> bytes:
    return _der(_TIME, f"{instant:%y%m%d%H%M%SZ}".encode())


def _distinguished(name: str) -> bytes:
    return _der(_SEQUENCE, _der(_SET, _der(_SEQUENCE, _COMMON_NAME + _der(_UTF8, name.encode()))))


def _identifier(public: bytes) -> bytes:
    return hashlib.sha1(public, usedforsecurity=False).digest()


def _extension(kind: bytes, content: bytes, *, critical: bool = False) -> bytes:
    return _der(_SEQUENCE, kind + (_TRUE if critical else b"") + _der(_OCTETS, content))


def _write(path: Path, label: str, content: bytes) -> None:
    text = base64.encodebytes(content).decode()
    path.write_text(f"-----BEGIN {label}-----\n{text}-----END {label}-----\n")
    path.chmod(0o600)
