import asyncio
from datetime import timedelta

import pytest
from support.streaming import BROKEN, END, POISON, SILENCE, SPEECH, START, Bench, audio_chunk, until

from moderation.errors import BrokerUnavailable, DeadLetterCode


async def test_silence_is_acked_at_once(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    for sequence in range(3):
        bench.offer(session, audio_chunk(sequence, SILENCE))
    await until(lambda: bench.acked == [0, 1, 2])
    session.stop()
    await task
    assert bench.outbox.utterances == []


async def test_an_utterance_is_acked_only_after_the_broker_confirmed_it(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, SILENCE))
    await until(lambda: bench.acked == [0])
    bench.outbox.gate.clear()
    for sequence, payload in enumerate([SPEECH, SPEECH, END], 1):
        bench.offer(session, audio_chunk(sequence, payload))
    await until(lambda: not session._mailbox)
    await asyncio.sleep(0.02)
    assert bench.acked == [0]
    bench.outbox.gate.set()
    await until(lambda: bench.acked == [0, 1, 2, 3])
    assert bench.outbox.utterances == [[1, 2, 3]]
    session.stop()
    await task


async def test_a_chunk_that_cannot_be_decoded_is_dead_lettered_and_the_utterance_around_it_lives(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    for sequence, payload in enumerate([SPEECH, POISON, END]):
        bench.offer(session, audio_chunk(sequence, payload))
    await until(lambda: bench.acked == [0, 1, 2])
    session.stop()
    await task
    assert [(sequence, code) for sequence, code, _ in bench.outbox.letters] == [(1, DeadLetterCode.UNDECODABLE_AUDIO)]
    assert bench.outbox.utterances == [[0, 2]]


async def test_what_fails_for_good_is_dead_lettered_whole_and_the_stream_goes_on(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    for sequence, payload in enumerate([SPEECH, BROKEN, SPEECH, END]):
        bench.offer(session, audio_chunk(sequence, payload))
    await until(lambda: bench.acked == [0, 1, 2, 3])
    session.stop()
    await task
    assert [(sequence, code) for sequence, code, _ in bench.outbox.letters] == [
        (0, DeadLetterCode.PROCESSING_FAILED),
        (1, DeadLetterCode.PROCESSING_FAILED),
    ]
    assert all("must not be seen" not in reason for _, _, reason in bench.outbox.letters)
    assert bench.outbox.utterances == [[2, 3]]


async def test_a_repeated_chunk_is_skipped_and_acked(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    for sequence, payload in [(0, SPEECH), (1, SPEECH), (0, SPEECH), (2, END)]:
        bench.offer(session, audio_chunk(sequence, payload))
    await until(lambda: len(bench.acked) == 4)
    session.stop()
    await task
    assert bench.outbox.utterances == [[0, 1, 2]]
    assert [arrival.value for arrival, _ in bench.told.arrivals] == ["next", "next", "duplicate", "next"]


async def test_a_reused_stream_id_ends_the_old_utterance_and_begins_a_new_one(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(5, SPEECH))
    bench.offer(session, audio_chunk(0, SPEECH, captured_at=START + timedelta(hours=1)))
    bench.offer(session, audio_chunk(1, END, captured_at=START + timedelta(hours=1, milliseconds=200)))
    await until(lambda: len(bench.acked) == 3)
    session.stop()
    await task
    assert bench.outbox.utterances == [[5], [0, 1]]


async def test_the_end_of_the_stream_closes_the_open_utterance_and_the_session(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, SPEECH))
    bench.offer(session, audio_chunk(1, SPEECH, end_of_stream=True))
    await task
    assert session.is_over
    assert bench.outbox.utterances == [[0, 1]]
    assert bench.acked == [0, 1]


async def test_an_utterance_whose_chunks_stop_coming_is_closed_and_the_stream_may_go_on(bench: Bench) -> None:
    bench.limit(idle_utterance_s=0.05)
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, SPEECH))
    await until(lambda: bench.acked == [0])
    assert not session.is_over
    bench.offer(session, audio_chunk(1, SPEECH))
    bench.offer(session, audio_chunk(2, END))
    await until(lambda: bench.acked == [0, 1, 2])
    assert bench.outbox.utterances == [[0], [1, 2]]
    session.stop()
    await task


async def test_a_stream_that_falls_silent_on_the_wire_is_dropped(bench: Bench) -> None:
    bench.limit(idle_utterance_s=0.02, idle_stream_s=0.02)
    session = bench.session()
    bench.offer(session, audio_chunk(0, SPEECH))
    await session.run()
    assert bench.outbox.utterances == [[0]]
    assert bench.acked == [0]
    assert session.is_over


async def test_stopping_leaves_the_open_utterance_unacked(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, SILENCE))
    bench.offer(session, audio_chunk(1, SPEECH))
    await until(lambda: bench.acked == [0] and not session._mailbox)
    session.stop()
    await task
    assert bench.acked == [0]
    assert bench.outbox.utterances == []


async def test_a_broker_that_confirms_nothing_ends_the_session_and_acks_nothing(bench: Bench) -> None:
    bench.outbox.failure = BrokerUnavailable("down")
    session = bench.session()
    bench.offer(session, audio_chunk(0, SPEECH))
    bench.offer(session, audio_chunk(1, END))
    with pytest.raises(BrokerUnavailable):
        await session.run()
    assert bench.acked == []
    assert session.is_over
