"""Faust's Kafka transport with a fetch that waits no longer than told.

Faust fixes the longest wait of a fetch at 1.5 s. Apache Kafka answers as soon as there is data, but a broker that fills
the wait (the embedded one does) adds 0.4 s to every verdict at the median. aiokafka reads the value when it starts.
"""

from typing import Any

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport


class PromptConsumerThread(AIOKafkaConsumerThread):  # type: ignore[misc]  # faust has no types here
    """Creates the worker's consumer with the application's longest wait."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = transport.app.fetch_max_wait_ms  # noqa: SLF001  Faust offers no other way
        return consumer


class PromptConsumer(Consumer):  # type: ignore[misc]
    """Runs its client in a PromptConsumerThread."""

    def _new_consumer_thread(self) -> PromptConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, beacon=self.beacon)


class PromptTransport(Transport):  # type: ignore[misc]
    """Consumes with a PromptConsumer; produces as Faust does."""

    Consumer = PromptConsumer


class PromptApp(faust.App):  # type: ignore[misc]
    """A Faust application whose fetches wait `fetch_max_wait_ms` at the most."""

    def __init__(self, *args: Any, fetch_max_wait_ms: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fetch_max_wait_ms = fetch_max_wait_ms

    def _new_transport(self) -> PromptTransport:
        return PromptTransport(self.conf.broker_consumer, self)
