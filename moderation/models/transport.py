"""HTTP for model files: TLS always verified, plain HTTP refused, failures typed."""

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

from moderation.errors import ConfigurationError, TransientError

_AGENT = "voice-moderation"


class NetworkFailed(TransientError):
    """The publisher could not be reached, or the connection broke. Trying again may help."""


class Refused(ConfigurationError):
    """The publisher answered, but not with the file."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer. `body` is read by the caller while the request is open."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: IO[bytes]


class Transport:
    """Gets addresses over HTTPS, following redirects to HTTPS only. Proxies are taken from the environment.

    `plain_http_hosts` may be asked over plain HTTP; it exists for servers on this machine.
    """

    def __init__(self, *, timeout_s: float, plain_http_hosts: frozenset[str] = frozenset()) -> None:
        self._timeout_s = timeout_s
        self._plain_http_hosts = plain_http_hosts
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=ssl.create_default_context()), _Redirects(self._check)
        )

    @contextmanager
    def get(self, url: str, *, offset: int = 0) -> Iterator[Answer]:
        """Ask for a file, from an offset in bytes when one is given (the server may ignore it: see `status`).

        Raises:
            NetworkFailed: no connection, or it broke, also while the caller reads.
            Refused: the server's answer is an error; `status` tells which.
            ConfigurationError: the address is not HTTPS.
        """
        self._check(url)
        request = urllib.request.Request(url, headers=_headers(offset))  # noqa: S310  checked to be HTTPS above
        host = urlsplit(url).hostname
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                yield Answer(status=response.status, headers=headers, body=response)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code >= 500 or error.code == 429:
                raise NetworkFailed(f"{host} answers {error.code} to {url}") from None
            raise Refused(f"{host} answers {error.code} to {url}", error.code) from None
        except urllib.error.URLError as error:
            raise NetworkFailed(f"cannot reach {host}: {_reason(error.reason)}") from None
        except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
            raise NetworkFailed(f"the connection to {host} broke: {_reason(error)}") from None

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in self._plain_http_hosts):
            return
        raise ConfigurationError(f"{url} is not an https address; models are only fetched over TLS")


def _headers(offset: int) -> dict[str, str]:
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
    return {**headers, "Range": f"bytes={offset}-"} if offset else headers


def _reason(reason: object) -> str:
    match reason:
        case ssl.SSLCertVerificationError():
            return f"its TLS certificate is not valid ({reason.verify_message})"
        case TimeoutError():
            return "no answer in time"
        case OSError(strerror=str() as sentence):
            return sentence
        case _:
            return str(reason) or type(reason).__name__


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to addresses that `Transport` would ask itself."""

    def __init__(self, check: Callable[[str], None]) -> None:
        self._check = check

    def redirect_request(  # noqa: PLR0917  the signature is the library's
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        self._check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
