"""What runs beside the demo ends with it, and its failures end the demo."""

import asyncio

import pytest

from moderation.demo.beside import run_beside


async def for_ever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("other")


async def failing() -> None:
    raise LookupError("gone")


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


async def test_the_result_is_that_of_the_main_thing_and_the_others_are_ended():
    ended: list[str] = []
    assert await run_beside(answer(), for_ever(ended)) == 42
    assert ended == ["other"]


async def test_a_failure_beside_ends_everything():
    ended: list[str] = []
    with pytest.raises(LookupError):
        await run_beside(for_ever(ended), for_ever(ended), failing())
    assert ended == ["other", "other"]


async def test_a_failure_of_the_main_thing_is_raised():
    with pytest.raises(LookupError):
        await run_beside(failing(), for_ever([]))


async def test_something_beside_may_end_early():
    async def brief() -> None:
        return None

    assert await run_beside(answer(), brief()) == 42


async def test_cancelling_ends_everything():
    ended: list[str] = []
    task = asyncio.ensure_future(run_beside(for_ever(ended), for_ever(ended)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["other", "other"]
