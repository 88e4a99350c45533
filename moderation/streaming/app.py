"""The Faust application: settings that were shown to lose nothing, and nothing declared at import."""

from pathlib import Path

import faust
from faust.auth import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

from moderation.client.connection import sasl_login, tls_context
from moderation.errors import ConfigurationError
from moderation.settings import KafkaSettings, Settings
from moderation.streaming.transport import WorkerApp

STREAM_BUFFER_POLLS = 4
"""Polls that Faust may hold between the consumer and the agent; each is one message to it."""


def create_app(settings: Settings, *, data_dir: Path) -> faust.App:
    """Build the application; nothing is started.

    Raises:
        ConfigurationError: TLS or SASL settings are incomplete, or a file of theirs cannot be read; or draining could
            outlast the session, so that the group would give the worker up while it drains.
    """
    kafka, streaming = settings.kafka, settings.streaming
    if streaming.drain_deadline_s >= kafka.session_timeout_s:
        raise ConfigurationError(
            f"streaming.drain_deadline_s ({streaming.drain_deadline_s:.0f}) must be below kafka.session_timeout_s "
            f"({kafka.session_timeout_s})"
        )
    return WorkerApp(
        streaming.group_id,
        gather_bytes=kafka.gather_bytes,
        gather_ms=kafka.gather_ms,
        quiet_gather_ms=kafka.quiet_gather_ms,
        poll_interval_s=kafka.poll_interval_ms / 1000,
        max_unpacked_batch_bytes=kafka.max_unpacked_batch_bytes,
        broker=[f"kafka://{address.strip()}" for address in settings.bootstrap_servers.split(",")],
        broker_credentials=credentials(kafka),
        broker_client_id=streaming.group_id,
        broker_session_timeout=kafka.session_timeout_s,
        broker_heartbeat_interval=kafka.heartbeat_interval_s,
        broker_rebalance_timeout=kafka.rebalance_timeout_s,
        # Faust refuses a request timeout below the session's.
        broker_request_timeout=max(kafka.request_timeout_s, kafka.session_timeout_s),
        broker_commit_interval=kafka.commit_interval_s,
        broker_max_poll_records=kafka.max_poll_records,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=kafka.max_message_bytes,
        producer_acks=-1,
        producer_max_request_size=kafka.max_message_bytes,
        # Faust's default is 20 minutes, longer than any drain may take.
        producer_request_timeout=kafka.request_timeout_s,
        # A held ack must not freeze the group: the worker drains under its own deadline instead.
        stream_wait_empty=False,
        stream_buffer_maxsize=STREAM_BUFFER_POLLS,
        # Topics are applied by `moderation topics apply`, never declared on the fly.
        topic_disable_leader=True,
        topic_allow_declare=False,
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        datadir=data_dir,
        web_enabled=False,
        autodiscover=False,
    )


def credentials(kafka: KafkaSettings) -> CredentialsT | None:
    """What Faust needs to reach the brokers; None for PLAINTEXT.

    The TLS context is handed to the SASL credentials themselves: without one Faust speaks SASL_PLAINTEXT, whatever the
    application's own context is.
    """
    protocol = kafka.security_protocol
    if protocol == "PLAINTEXT":
        return None
    context = tls_context(kafka) if protocol.endswith("SSL") else None
    if protocol == "SSL":
        return SSLCredentials(context)
    username, password = sasl_login(kafka)
    return SASLCredentials(
        username=username,
        password=password,
        mechanism=kafka.sasl_mechanism,
        ssl_context=context,
    )
