"""Listeners that require TLS, client certificates and logins refuse who lacks them, and we say what to do."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.security_broker import secure_broker
from support.security_certificates import Authority, KeyPair
from support.security_scram import Login

from moderation.client.admin import apply_topics, require_topics
from moderation.errors import ConfigurationError
from moderation.settings import KafkaSettings, Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

LOGIN = Login(username="worker=1,eu", password="correct horse", mechanism="SCRAM-SHA-512")


@pytest.fixture(scope="module")
def tls(identity: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with secure_broker(tmp_path_factory.mktemp("tls"), identity) as address:
        yield address


@pytest.fixture(scope="module")
def mutual_tls(identity: KeyPair, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with secure_broker(tmp_path_factory.mktemp("mutual"), identity, clients=authority) as address:
        yield address


@pytest.fixture(scope="module")
def sasl(identity: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with secure_broker(tmp_path_factory.mktemp("sasl"), identity, login=LOGIN) as address:
        yield address


def _settings(address: str, **kafka: Any) -> Settings:
    return Settings(broker=address, kafka=KafkaSettings(request_timeout_s=10, **kafka))


def _login(password: str = LOGIN.password, **changes: Any) -> dict[str, Any]:
    return {"security_protocol": "SASL_SSL", "sasl_username": LOGIN.username, "sasl_password": password, **changes}


async def _refusal(settings: Settings) -> str:
    with pytest.raises(ConfigurationError) as refused:
        await require_topics(settings)
    return str(refused.value)


async def test_a_client_that_trusts_the_authority_is_let_in(tls: str, authority: Authority) -> None:
    settings = _settings(tls, security_protocol="SSL", ssl_ca_file=authority.certificate)
    await apply_topics(settings)
    await require_topics(settings)


async def test_a_client_without_tls_is_told_that_it_may_need_it(tls: str) -> None:
    assert "closes connections of PLAINTEXT: it may require TLS" in await _refusal(_settings(tls))


async def test_a_client_that_trusts_another_authority_is_told_which_file_to_set(tls: str, stranger: Authority) -> None:
    said = await _refusal(_settings(tls, security_protocol="SSL", ssl_ca_file=stranger.certificate))
    assert "certificate is not accepted" in said
    assert "MODERATION_KAFKA__SSL_CA_FILE" in said


async def test_a_client_with_the_systems_authorities_refuses_the_broker(tls: str) -> None:
    assert "certificate is not accepted" in await _refusal(_settings(tls, security_protocol="SSL"))


async def test_a_broker_under_a_name_that_its_certificate_lacks_is_refused(tls: str, authority: Authority) -> None:
    elsewhere = tls.replace("127.0.0.1", "localhost")
    said = await _refusal(_settings(elsewhere, security_protocol="SSL", ssl_ca_file=authority.certificate))
    assert "Hostname mismatch" in said


async def test_a_client_with_a_certificate_of_the_authority_is_let_in(mutual_tls: str, authority: Authority) -> None:
    mine = authority.issue("worker-1")
    files = {"ssl_ca_file": authority.certificate, "ssl_cert_file": mine.certificate, "ssl_key_file": mine.key}
    settings = _settings(mutual_tls, security_protocol="SSL", **files)
    await apply_topics(settings)
    await require_topics(settings)


async def test_a_client_without_a_certificate_is_told_that_it_may_need_one(
    mutual_tls: str, authority: Authority
) -> None:
    said = await _refusal(_settings(mutual_tls, security_protocol="SSL", ssl_ca_file=authority.certificate))
    assert "MODERATION_KAFKA__SSL_CERT_FILE" in said


async def test_a_client_with_a_certificate_of_another_authority_is_refused(
    mutual_tls: str, authority: Authority, stranger: Authority
) -> None:
    mine = stranger.issue("impostor")
    files = {"ssl_ca_file": authority.certificate, "ssl_cert_file": mine.certificate, "ssl_key_file": mine.key}
    assert "MODERATION_KAFKA__SSL_CERT_FILE" in await _refusal(_settings(mutual_tls, security_protocol="SSL", **files))


async def test_a_client_with_the_password_is_let_in(sasl: str, authority: Authority) -> None:
    settings = _settings(sasl, **_login(ssl_ca_file=authority.certificate))
    await apply_topics(settings)
    await require_topics(settings)


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"sasl_username": "nobody"}], ids=str)
async def test_a_wrong_login_is_refused_without_quoting_it(
    sasl: str, authority: Authority, changes: dict[str, str]
) -> None:
    said = await _refusal(_settings(sasl, **_login(ssl_ca_file=authority.certificate, **changes)))
    assert "refuses this login" in said
    assert "MODERATION_KAFKA__SASL_PASSWORD" in said
    assert not any(value in said for value in (*changes.values(), LOGIN.password))


async def test_a_mechanism_that_the_broker_does_not_offer_is_named(sasl: str, authority: Authority) -> None:
    settings = _settings(sasl, **_login(ssl_ca_file=authority.certificate, sasl_mechanism="SCRAM-SHA-256"))
    assert "MODERATION_KAFKA__SASL_MECHANISM" in await _refusal(settings)


async def test_a_client_that_does_not_log_in_is_told_that_it_may_have_to(sasl: str, authority: Authority) -> None:
    said = await _refusal(_settings(sasl, security_protocol="SSL", ssl_ca_file=authority.certificate))
    assert "closes connections of SSL" in said
    assert "or a login" in said


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_both_kinds_of_scram_are_spoken(
    mechanism: Any, identity: KeyPair, authority: Authority, tmp_path: Path
) -> None:
    login = Login(username="u", password="pÄss", mechanism=mechanism)
    with secure_broker(tmp_path, identity, login=login) as address:
        settings = _settings(
            address,
            **_login("pÄss", sasl_username="u", sasl_mechanism=mechanism, ssl_ca_file=authority.certificate),
        )
        await apply_topics(settings)


def test_a_worker_with_a_wrong_password_leaves_with_code_2_and_says_why(sasl: str, authority: Authority) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MODERATION_")} | {
        "MODERATION_BROKER": sasl,
        "MODERATION_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "MODERATION_KAFKA__SSL_CA_FILE": str(authority.certificate),
        "MODERATION_KAFKA__SASL_USERNAME": LOGIN.username,
        "MODERATION_KAFKA__SASL_PASSWORD": "not the password",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "moderation", "worker"],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    (said,) = [line for line in ended.stderr.splitlines() if line.startswith("moderation: ")]
    assert "refuses this login" in said
    assert "Traceback" not in ended.stderr
    assert "not the password" not in ended.stderr + ended.stdout
