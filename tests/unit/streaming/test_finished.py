"""What a session reports as finished becomes the resume watermark: chunks behind it are skipped when redelivered."""

import asyncio

from support.streaming import END, POISON, SPEECH, Bench, audio_chunk, until


async def test_a_refused_chunk_within_an_open_utterance_is_not_finished_before_the_chunks_in_front_of_it(
    bench: Bench,
) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, SPEECH))
    bench.offer(session, audio_chunk(1, POISON))
    await until(lambda: len(bench.outbox.letters) == 1)
    await asyncio.sleep(0.01)
    assert bench.finished == []
    bench.offer(session, audio_chunk(2, END))
    await until(lambda: bench.acked == [0, 1, 2])
    assert bench.finished == [0, 2]
    bench.offer(session, audio_chunk(3, POISON))
    await until(lambda: bench.acked == [0, 1, 2, 3])
    assert bench.finished == [0, 2, 3]
    session.stop()
    await task
