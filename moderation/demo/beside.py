"""Doing one thing while others go on that are not meant to end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def run_beside(main: Coroutine[Any, Any, T], *others: Coroutine[Any, Any, None]) -> T:
    """The result of `main`, as soon as it has one; `others` run meanwhile and are cancelled then.

    An exception of any of them ends all and is raised; one of the others that just ends is no reason to stop.
    """
    first = asyncio.ensure_future(main)
    rest = [asyncio.ensure_future(other) for other in others]
    try:
        waiting: set[asyncio.Future[Any]] = {first, *rest}
        while not first.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        return first.result()
    finally:
        for task in (first, *rest):
            task.cancel()
        await asyncio.gather(first, *rest, return_exceptions=True)
