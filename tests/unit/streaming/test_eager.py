import asyncio

import pytest

from moderation.streaming.eager import Finished, begin


async def test_what_need_not_wait_is_finished_at_once() -> None:
    async def work() -> int:
        return 7

    assert begin(work()) == Finished(7)


async def test_what_waits_goes_on_where_it_stands() -> None:
    done: list[str] = []
    told = asyncio.Event()

    async def work() -> str:
        done.append("begun")
        await asyncio.sleep(0)
        await told.wait()
        await asyncio.sleep(0.001)
        done.append("ended")
        return "result"

    rest = begin(work())
    assert done == ["begun"]
    assert not isinstance(rest, Finished)
    task = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    told.set()
    assert await task == "result"
    assert done == ["begun", "ended"]


@pytest.mark.parametrize("waits", [False, True])
async def test_errors_come_out(waits: bool) -> None:
    async def work() -> None:
        if waits:
            await asyncio.sleep(0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await begin(work())  # type: ignore[misc]


async def test_cancelling_the_rest_cancels_the_coroutine() -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = asyncio.ensure_future(begin(work()))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]
