"""A chunk that waited for the one that ends its stream was never acked: its partition stood still for good."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from support.streaming import SILENCE, SPEECH, audio_chunk, make_bench, until


async def test_a_chunk_that_waited_behind_the_end_is_finished_too() -> None:
    with ThreadPoolExecutor(1) as pool:
        bench = make_bench(pool)
        bench.parts = replace(bench.parts, limits=replace(bench.parts.limits, reorder_window=2))
        session = bench.session()
        running = asyncio.create_task(session.run())
        for chunk in (
            audio_chunk(0, SILENCE),
            audio_chunk(2, SPEECH),
            audio_chunk(1, SILENCE, end_of_stream=True),
        ):
            bench.offer(session, chunk)
        await until(lambda: len(bench.told.arrivals) == 3)
        session.close_early()
        try:
            await until(lambda: bench.acked == [0, 2, 1])
        finally:
            session.stop()
            await running
    assert bench.outbox.utterances == [[2]]
