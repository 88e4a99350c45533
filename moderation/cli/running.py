"""Running what talks to Kafka from a command."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_client(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, as `asyncio.run`.

    That no broker answers is told once, by us: aiokafka's own line about each address is kept back. What it says later,
    about a broker that went away, is let through.
    """
    logger = logging.getLogger("aiokafka")
    logger.addFilter(_is_no_bootstrap_failure)
    try:
        return asyncio.run(work)
    finally:
        logger.removeFilter(_is_no_bootstrap_failure)


def _is_no_bootstrap_failure(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith('Unable connect to "')
