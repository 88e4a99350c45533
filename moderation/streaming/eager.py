"""Running a coroutine at once, as far as it goes without waiting: most need no task of their own."""

import types
from collections.abc import Awaitable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finished:
    """It did not wait for anything."""

    result: Any


def begin(coroutine: Coroutine[Any, Any, Any]) -> Finished | Awaitable[Any]:
    """Run it up to where it first waits. Raises what it raises until then.

    Returns: what it came to, or the rest of it, to be awaited once, in any task of the loop.
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration as end:
        return Finished(end.value)
    return _go_on(coroutine, waits_for)


async def _go_on(coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> Any:
    return await _rest(coroutine, waits_for)


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    while True:
        try:
            try:
                answer = yield waits_for
            except BaseException as error:  # noqa: BLE001  a cancellation too is for the coroutine to know
                waits_for = coroutine.throw(error)
            else:
                waits_for = coroutine.send(answer)
        except StopIteration as end:
            return end.value
