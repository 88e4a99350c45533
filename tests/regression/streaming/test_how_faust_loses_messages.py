"""Each known way in which Faust or aiokafka loses messages, and what keeps this worker from it.

What takes a whole worker or a broker to show is shown elsewhere: exceptions and undecodable messages in
tests/unit/streaming/test_router.py and tests/integration/worker/test_poison.py, failed commits in
test_committing.py, acks out of order in test_acker.py and tests/property/streaming, kills and stops in
tests/integration/worker/test_restarts.py and `python -m loadtest faults`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import ConsumerRecord
from aiokafka.codec import has_gzip, has_lz4, has_snappy, has_zstd
from faust.types import TP

from moderation.settings import KafkaSettings, Settings
from moderation.streaming.app import create_app
from moderation.streaming.messages import raw_message
from moderation.streaming.transport import WorkerConsumer


@pytest.fixture
def app(tmp_path: Path) -> Iterator[faust.App]:
    app = create_app(Settings(broker="127.0.0.1:1"), data_dir=tmp_path)
    app.finalize()
    yield app
    app.consumer._thread.thread_loop.close()


async def test_faust_commits_nothing_by_itself(app: faust.App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own commits pass messages that were never acked: after gaps, in a fresh group, after a revoke (#606)."""
    committed: list[Any] = []

    async def commit(offsets: Any) -> bool:
        committed.append(offsets)
        return True

    assert isinstance(app.consumer, WorkerConsumer)
    monkeypatch.setattr(app.consumer, "_commit", commit)
    tp = TP("voice-audio", 0)
    app.consumer._committed_offset[tp] = None
    app.consumer._acked[tp].extend([5, 6, 9])
    app.consumer._acked_index[tp].update([5, 6, 9])
    assert await app.consumer.commit() is False
    await app.consumer.commit_and_end_transactions()
    await app.consumer.on_task_error(RuntimeError("an agent failed"))
    assert committed == []


def test_a_held_message_does_not_freeze_the_group(app: faust.App) -> None:
    """With `stream_wait_empty` a rebalance waits without a deadline until everything is acked."""
    assert app.conf.stream_wait_empty is False


def test_bytes_reach_the_worker_undecoded(app: faust.App) -> None:
    """Faust acks what it cannot decode before anybody hears of it."""
    assert (app.conf.key_serializer, app.conf.value_serializer) == ("raw", "raw")


def test_no_state_is_kept_in_tables_that_hang_in_recovery(app: faust.App) -> None:
    assert not app.tables
    assert app.conf.topic_disable_leader is True
    assert app.conf.topic_allow_declare is False


def test_a_message_counts_as_sent_when_all_replicas_have_it(app: faust.App) -> None:
    assert app.conf.producer_acks == -1
    assert app.conf.processing_guarantee.name == "AT_LEAST_ONCE"


def test_no_wait_outlasts_what_the_group_allows(app: faust.App) -> None:
    """Faust's default for the producer is twenty minutes."""
    kafka = KafkaSettings()
    assert app.conf.producer_request_timeout == kafka.request_timeout_s
    assert app.conf.broker_request_timeout >= app.conf.broker_session_timeout
    assert app.conf.broker_session_timeout == kafka.session_timeout_s


def test_a_new_group_begins_with_the_oldest_message(app: faust.App) -> None:
    assert app.conf.consumer_auto_offset_reset == "earliest"


def test_repeated_headers_of_a_message_are_all_kept() -> None:
    """Faust's events have them as a dictionary, in which repetitions collapse."""
    headers = (("name", b"one"), ("name", b"two"))
    record = ConsumerRecord("t", 0, 0, 1, 0, b"k", b"v", None, 1, 1, headers)
    assert raw_message(record, 3).headers == headers


@pytest.mark.parametrize("has_codec", [has_gzip, has_lz4, has_snappy, has_zstd])
def test_batches_that_others_compressed_can_be_read(has_codec: Any) -> None:
    assert has_codec()
