from pathlib import Path

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from moderation.errors import ConfigurationError
from moderation.settings import KafkaSettings, Settings, StreamingSettings
from moderation.streaming.app import create_app, credentials
from moderation.streaming.transport import WorkerConsumerThread


async def test_the_application_fetches_as_promptly_as_the_settings_say(tmp_path: Path) -> None:
    kafka = KafkaSettings(gather_ms=37, gather_bytes=4_711)
    app = create_app(Settings(broker="127.0.0.1:1", kafka=kafka), data_dir=tmp_path)
    app.finalize()
    thread = app.consumer._thread
    assert isinstance(thread, WorkerConsumerThread)
    ours = thread._create_worker_consumer(app.transport)
    fausts = super(WorkerConsumerThread, thread)._create_worker_consumer(app.transport)
    # Should aiokafka rename what is set, the second would be missing and the first would change nothing.
    assert (ours._fetch_max_wait_ms, fausts._fetch_max_wait_ms) == (37, 1500)
    assert (ours._fetch_min_bytes, fausts._fetch_min_bytes) == (4_711, 1)
    await ours.stop()
    await fausts.stop()
    thread.thread_loop.close()


def test_tls_and_sasl_reach_aiokafka_through_faust() -> None:
    kafka = KafkaSettings(security_protocol="SASL_SSL", sasl_username="u", sasl_password="p")
    auth = credentials_to_aiokafka_auth(credentials(kafka), None)
    assert auth["security_protocol"] == "SASL_SSL"
    assert auth["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (auth["sasl_plain_username"], auth["sasl_plain_password"]) == ("u", "p")
    assert auth["ssl_context"].check_hostname


def test_draining_must_not_outlast_the_session(tmp_path: Path) -> None:
    settings = Settings(
        broker="127.0.0.1:1",
        kafka=KafkaSettings(session_timeout_s=10),
        streaming=StreamingSettings(drain_deadline_s=10),
    )
    with pytest.raises(ConfigurationError, match="drain_deadline_s"):
        create_app(settings, data_dir=tmp_path)


def test_sasl_over_tls_carries_its_own_context() -> None:
    kafka = KafkaSettings(security_protocol="SASL_SSL", sasl_username="u", sasl_password="p")
    given = credentials(kafka)
    assert given.protocol.value == "SASL_SSL"
    assert given.ssl_context is not None
    assert given.mechanism.value == "SCRAM-SHA-512"


def test_sasl_without_tls_says_so() -> None:
    kafka = KafkaSettings(security_protocol="SASL_PLAINTEXT", sasl_username="u", sasl_password="p")
    assert credentials(kafka).protocol.value == "SASL_PLAINTEXT"


def test_tls_alone_needs_no_user() -> None:
    assert credentials(KafkaSettings(security_protocol="SSL")).context is not None
    assert credentials(KafkaSettings()) is None


def test_sasl_without_a_user_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="SASL_USERNAME"):
        credentials(KafkaSettings(security_protocol="SASL_SSL"))
