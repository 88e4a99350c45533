"""Publishing: a message counts as published when the broker has confirmed it."""

import asyncio
from collections.abc import Mapping

import faust
import structlog
from aiokafka.errors import KafkaError
from faust.exceptions import ProducerSendError

from moderation.clock import Clock
from moderation.errors import BrokerUnavailable

RETRY_PAUSE_S = 0.5

log = structlog.get_logger(__name__)


class Publisher:
    """Sends bytes and waits for the broker's confirmation, trying again until a deadline."""

    def __init__(self, app: faust.App, *, clock: Clock, timeout_s: float, retry_deadline_s: float) -> None:
        self._app = app
        self._clock = clock
        self._timeout_s = timeout_s
        self._retry_deadline_s = retry_deadline_s

    async def publish(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Mapping[str, bytes],
        partition: int | None = None,
    ) -> None:
        """Return once the broker has confirmed the message. A message may be written more than once, never less.

        A `value` of None is a tombstone; without `partition` the key decides where it goes.

        Raises:
            BrokerUnavailable: not confirmed within the retry deadline.
        """
        deadline = self._clock.monotonic_s() + self._retry_deadline_s
        while True:
            try:
                await asyncio.wait_for(self._send(topic, key, value, headers, partition), self._timeout_s)
            except (TimeoutError, ProducerSendError, KafkaError) as error:
                if self._clock.monotonic_s() >= deadline:
                    raise BrokerUnavailable(
                        f"the broker did not confirm a message to {topic} within {self._retry_deadline_s:.0f} s; "
                        "check that it is up, that the topic exists and that the message limit fits"
                    ) from error
                log.warning("publish_retried", topic=topic, error=type(error).__name__)
                await asyncio.sleep(RETRY_PAUSE_S)
            else:
                return

    async def _send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Mapping[str, bytes], partition: int | None
    ) -> None:
        # The first await queues the message, the second waits for the broker: only that one protects the commit. Faust
        # wraps what the first raises in ProducerSendError; the second raises the KafkaError itself.
        confirmation = await self._app.producer.send(topic, key, value, partition, None, dict(headers))
        await confirmation
