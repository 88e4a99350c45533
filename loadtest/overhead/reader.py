"""Processes that read a topic and do nothing with it: `python -m loadtest.overhead.reader KIND TOPIC READY_FILE`.

KIND is `aiokafka`, a bare consumer that polls as the worker does, or `faust`, the worker's application with an agent
that only counts. Broker and settings come from MODERATION_* variables. Both read from the end of the topic, commit
nothing and run until SIGTERM.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer

from moderation.settings import Settings, load_settings


async def read_with_aiokafka(settings: Settings, topic: str, ready: Path) -> None:
    """Poll for ever, as a worker does while nobody speaks."""
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=settings.bootstrap_servers,
        group_id=f"{settings.streaming.group_id}-aiokafka",
        enable_auto_commit=False,
        auto_offset_reset="latest",
        fetch_min_bytes=settings.kafka.gather_bytes,
        fetch_max_wait_ms=settings.kafka.quiet_gather_ms,
    ) as consumer:
        await asyncio.to_thread(ready.touch)
        while True:
            began_s = time.monotonic()
            await consumer.getmany(timeout_ms=1000, max_records=settings.kafka.max_poll_records)
            await asyncio.sleep(max(0.0, began_s + settings.kafka.poll_interval_ms / 1000 - time.monotonic()))


async def read_with_faust(settings: Settings, topic: str, ready: Path) -> None:
    """Consume for ever."""
    from moderation.streaming.app import create_app  # noqa: PLC0415  the other kind is not to load Faust

    streaming = settings.streaming.model_copy(update={"group_id": f"{settings.streaming.group_id}-faust"})
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings.model_copy(update={"streaming": streaming}), data_dir=Path(folder))

        async def count(stream: Any) -> None:
            async for event in stream.noack().events():
                len(event.message.records)

        app.agent(app.topic(topic, key_type=bytes, value_type=bytes), concurrency=1, name="count")(count)
        app.on_partitions_assigned.connect(lambda *_, **__: ready.touch(), weak=False)
        app.finalize()
        await app.start()
        app.consumer.gather(quiet=True)
        await asyncio.Event().wait()


def main() -> None:
    """Read as the arguments say."""
    kind, topic, ready = sys.argv[1:]
    read = {"aiokafka": read_with_aiokafka, "faust": read_with_faust}[kind]
    asyncio.run(read(load_settings(), topic, Path(ready)))


if __name__ == "__main__":
    main()
