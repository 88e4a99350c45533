"""The real worker behind listeners that require TLS, mutual TLS or SASL over TLS: what is said is transcribed."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.korean_worker import ONLY_KOREAN, PROMPT
from support.security_broker import secure_broker
from support.security_certificates import Authority, KeyPair
from support.security_scram import Login
from support.voices import play, transcript_of

from loadtest.processes import StartedWorker, apply_topics, own_names, worker_environment
from moderation.settings import KafkaSettings, Settings, StreamingSettings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture
def files(authority: Authority) -> dict[str, Path]:
    """The files that a client with a certificate of its own names."""
    mine = authority.issue("worker-1")
    return {"ssl_ca_file": authority.certificate, "ssl_cert_file": mine.certificate, "ssl_key_file": mine.key}


async def _transcribes(address: str, folder: Path, kafka: dict[str, Any]) -> None:
    secured = {f"KAFKA__{name.upper()}": value for name, value in kafka.items()}
    run_id = uuid4().hex[:8]
    environment = worker_environment(address, run_id, ONLY_KOREAN | PROMPT | secured)
    apply_topics(environment, folder)
    names = {name.removeprefix("STREAMING__").lower(): value for name, value in own_names(run_id).items()}
    settings = Settings(broker=address, kafka=KafkaSettings(**kafka), streaming=StreamingSettings(**names))
    with StartedWorker(folder, environment) as worker:
        worker.wait_until_ready()
        stream_id = await play(settings, "clean-rain", hint="ko")
        transcript = (await transcript_of(settings, stream_id)).event
        worker.terminate()
        assert worker.wait(40.0) == 0
    assert transcript.engine == "vosk:ko"
    assert transcript.text
    log = worker.log.read_text()
    assert "Traceback" not in log
    assert str(kafka.get("sasl_password", "never")) not in log


async def test_a_worker_with_a_client_certificate_transcribes_over_mutual_tls(
    identity: KeyPair, authority: Authority, files: dict[str, Path], tmp_path: Path
) -> None:
    with secure_broker(tmp_path, identity, clients=authority) as address:
        await _transcribes(address, tmp_path, {"security_protocol": "SSL", **files})


async def test_a_worker_with_a_login_transcribes_over_sasl_and_tls(
    identity: KeyPair, authority: Authority, tmp_path: Path
) -> None:
    login = Login(username="worker", password="correct horse battery", mechanism="SCRAM-SHA-512")
    with secure_broker(tmp_path, identity, login=login) as address:
        kafka = {"security_protocol": "SASL_SSL", "ssl_ca_file": authority.certificate}
        await _transcribes(
            address, tmp_path, kafka | {"sasl_username": login.username, "sasl_password": login.password}
        )
