import asyncio
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from aiokafka.errors import KafkaTimeoutError, NotEnoughReplicasError

from moderation.errors import BrokerUnavailable
from moderation.streaming.publishing import Publisher


class HandClock:
    """A clock that moves a second whenever it is read."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def monotonic_s(self) -> float:
        self._now_s += 1.0
        return self._now_s


class ScriptedProducer:
    """A producer whose confirmations come out as told, the last of them for ever."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self._outcomes: Sequence[Exception | None] = outcomes
        self.sent = 0

    async def send(self, *message: object) -> asyncio.Future[None]:
        outcome = self._outcomes[min(self.sent, len(self._outcomes) - 1)]
        self.sent += 1
        confirmation: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if outcome is None:
            confirmation.set_result(None)
        else:
            confirmation.set_exception(outcome)
        return confirmation


def publisher(producer: ScriptedProducer, monkeypatch: pytest.MonkeyPatch, *, deadline_s: float = 60) -> Publisher:
    monkeypatch.setattr("moderation.streaming.publishing.RETRY_PAUSE_S", 0.0)
    app = SimpleNamespace(producer=producer)
    return Publisher(app, clock=HandClock(), timeout_s=5.0, retry_deadline_s=deadline_s)  # type: ignore[arg-type]


async def test_a_batch_that_expired_or_was_refused_for_now_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    producer = ScriptedProducer(KafkaTimeoutError(), NotEnoughReplicasError(), None)
    await publisher(producer, monkeypatch).publish("t", key=None, value=b"v", headers={})
    assert producer.sent == 3


async def test_what_is_refused_until_the_deadline_makes_the_broker_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    producer = ScriptedProducer(KafkaTimeoutError())
    with pytest.raises(BrokerUnavailable, match="within 3 s"):
        await publisher(producer, monkeypatch, deadline_s=3).publish("t", key=None, value=b"v", headers={})
    assert producer.sent > 1
