"""What the worker's consumer hands to Faust, without a broker."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import ConsumerRecord
from faust.types import TP

from moderation.settings import Settings
from moderation.streaming.app import create_app
from moderation.streaming.transport import Poll

ONE, OTHER = TP("voice-audio", 1), TP("voice-audio", 2)


def record(partition: TP, offset: int) -> ConsumerRecord:
    return ConsumerRecord(*partition, offset, 1, 0, b"k", b"v", None, 1, 1, ())


@pytest.fixture
def app(tmp_path: Path) -> Iterator[faust.App]:
    app = create_app(Settings(broker="127.0.0.1:1"), data_dir=tmp_path)
    app.finalize()
    app.consumer_generation_id = 3
    yield app
    app.consumer._thread.thread_loop.close()


@pytest.fixture
def fetched(app: faust.App, monkeypatch: pytest.MonkeyPatch) -> dict[TP, list[ConsumerRecord]]:
    """What the client fetches, to be filled."""
    waiting: dict[TP, list[ConsumerRecord]] = {}

    async def fetch(*_: Any) -> dict[TP, list[ConsumerRecord]]:
        return waiting

    thread = app.consumer._thread
    monkeypatch.setattr(thread, "_fetch_records", fetch)
    monkeypatch.setattr(thread, "_ensure_consumer", lambda: type("Client", (), {"_max_poll_records": 10}))
    return waiting


async def test_all_that_was_fetched_is_one_poll(app: faust.App, fetched: dict[TP, list[ConsumerRecord]]) -> None:
    fetched |= {
        ONE: [record(ONE, 5), record(ONE, 7)],
        OTHER: [],
        TP("voice-audio", 3): [record(TP("voice-audio", 3), 1)],
    }
    poll = await app.consumer._thread._poll({ONE, OTHER}, 1.0, 0.0)
    assert [(r.partition, r.offset) for r in poll.records] == [(1, 5), (1, 7), (3, 1)]
    assert (poll.tp, poll.offset, poll.generation_id) == (ONE, 5, 3)
    assert app.consumer._thread._last_fetched == {("voice-audio", 1): 7, ("voice-audio", 3): 1}


async def test_nothing_fetched_is_no_poll(app: faust.App, fetched: dict[TP, list[ConsumerRecord]]) -> None:
    fetched[ONE] = []
    assert await app.consumer._thread._poll({ONE}, 1.0, 0.0) is None


async def handed_on(app: faust.App, monkeypatch: pytest.MonkeyPatch, poll: Poll | None) -> list[Poll]:
    """What the consumer hands to Faust of a poll."""

    async def wait(_: float) -> tuple[Poll | None, set[TP]]:
        return poll, {ONE}

    monkeypatch.setattr(app.consumer, "_wait_next_records", wait)
    return [message async for _, message in app.consumer.getmany(timeout=1.0)]


async def test_a_poll_is_one_message_to_faust(app: faust.App, monkeypatch: pytest.MonkeyPatch) -> None:
    poll = Poll([record(ONE, 5), record(OTHER, 8)], 3)
    app.consumer.resume_flow()
    assert await handed_on(app, monkeypatch, poll) == [poll]
    assert await handed_on(app, monkeypatch, None) == []


async def test_a_poll_of_another_generation_is_left(app: faust.App, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the rebalance all partitions are read from their commits."""
    app.consumer.resume_flow()
    assert await handed_on(app, monkeypatch, Poll([record(ONE, 5)], 2)) == []


async def test_a_poll_that_comes_when_a_rebalance_has_begun_is_sought_back(
    app: faust.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    sought: list[bool] = []

    async def seek() -> None:
        sought.append(True)
        raise OSError("the broker is gone")

    monkeypatch.setattr(app.consumer, "perform_seek", seek)
    app.consumer.stop_flow()
    assert await handed_on(app, monkeypatch, Poll([record(ONE, 5)], 3)) == []
    assert sought == [True]


async def test_polls_keep_their_distance(
    app: faust.App, fetched: dict[TP, list[ConsumerRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    thread = app.consumer._thread
    monkeypatch.setattr(asyncio, "sleep", sleep)
    for _ in range(2):
        await thread._poll({ONE}, 1.0, 1_000.0)
    assert slept[0] == 0.0
    assert 900.0 < slept[1] <= 1_000.0


async def test_the_broker_gathers_longer_while_nobody_speaks(app: faust.App, monkeypatch: pytest.MonkeyPatch) -> None:
    thread = app.consumer._thread
    app.consumer.gather(quiet=True)  # before the client has begun there is nothing to tell
    client = thread._create_worker_consumer(app.transport)
    monkeypatch.setattr(thread, "_consumer", client)
    client._fetcher = type("Fetcher", (), {"_fetch_max_wait_ms": client._fetch_max_wait_ms})
    app.consumer.gather(quiet=True)
    assert client._fetcher._fetch_max_wait_ms == Settings().kafka.quiet_gather_ms
    app.consumer.gather(quiet=False)
    assert client._fetcher._fetch_max_wait_ms == Settings().kafka.gather_ms
    client._fetcher = None
    await client.stop()
