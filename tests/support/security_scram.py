"""The server's side of SCRAM (RFC 5802, RFC 7677), for one user, without channel binding."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Literal

Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512"]
_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
_ITERATIONS = 4096


class Refused(Exception):
    """The client does not know the password, or does not speak SCRAM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who may come in, and how they prove it."""

    username: str
    password: str
    mechanism: Mechanism = "SCRAM-SHA-512"


class ScramExchange:
    """One attempt to log in: `challenge`, then `conclude`."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._hash = _HASHES[login.mechanism]
        self._salt = secrets.token_bytes(16)
        self._nonce = ""
        self._said = ""

    def challenge(self, client_first: bytes) -> bytes:
        """The server's first message.

        Raises:
            Refused: it is not a first message, or of nobody we know.
        """
        binding, _, bare = client_first.decode().partition(",,")
        values = _attributes(bare)
        if binding != "n" or _unquoted(values.get("n", "")) != self._login.username:
            raise Refused("unknown user")
        self._nonce = values["r"] + secrets.token_hex(12)
        answer = f"r={self._nonce},s={base64.b64encode(self._salt).decode()},i={_ITERATIONS}"
        self._said = f"{bare},{answer}"
        return answer.encode()

    def conclude(self, client_final: bytes) -> bytes:
        """The server's last message, which proves that it knows the password too.

        Raises:
            Refused: the proof is wrong.
        """
        without_proof, _, proof = client_final.decode().rpartition(",p=")
        if _attributes(without_proof) != {"c": base64.b64encode(b"n,,").decode(), "r": self._nonce}:
            raise Refused("not our exchange")
        said = f"{self._said},{without_proof}".encode()
        salted = hashlib.pbkdf2_hmac(self._hash, self._login.password.encode(), self._salt, _ITERATIONS)
        client_key = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self._hash, client_key).digest(), said)
        expected = bytes(left ^ right for left, right in zip(client_key, signature, strict=True))
        if not hmac.compare_digest(expected, base64.b64decode(proof)):
            raise Refused("wrong password")
        return b"v=" + base64.b64encode(self._hmac(self._hmac(salted, b"Server Key"), said))

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash)


def _attributes(message: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in message.split(",") if "=" in pair)


def _unquoted(name: str) -> str:
    return name.replace("=2C", ",").replace("=3D", "=")
