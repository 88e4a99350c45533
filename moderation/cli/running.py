"""Running what talks to Kafka from a command."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_client(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, as `asyncio.run`, with aiokafka saying each thing at most once.

    It repeats itself ten times a second while a broker is away. That no broker answers at the start it does not say at
    all: our error does.
    """
    logger, handler = logging.getLogger("aiokafka"), logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(_Once())
    logger.addHandler(handler)
    propagates, logger.propagate = logger.propagate, False
    try:
        return asyncio.run(work)
    finally:
        logger.propagate = propagates
        logger.removeHandler(handler)


class _Once(logging.Filter):
    """Lets the first record of each kind through."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        kind = str(record.msg)
        if kind in self._seen or kind.startswith('Unable connect to "'):
            return False
        self._seen.add(kind)
        return True
