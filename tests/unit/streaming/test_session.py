import asyncio
import threading
from datetime import timedelta

import pytest
from support.streaming import (
    BROKEN,
    END,
    POISON,
    SILENCE,
    SPEECH,
    START,
    Bench,
    ScriptedPipeline,
    a_mark,
    audio_chunk,
    until,
)

from moderation.errors import BrokerUnavailable, DeadLetterCode, EngineFailed
from moderation.streaming.ordering import Arrival
from moderation.streaming.session import StreamSession


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


async def test_the_mark_moves_before_an_utterance_is_acked_and_says_where_to_go_on(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    for sequence, payload in enumerate([SILENCE, SPEECH, END, SILENCE]):
        bench.offer(session, audio_chunk(sequence, payload))
    await until(lambda: bench.acked == [0, 1, 2, 3])
    session.stop()
    await task
    begun, moved = bench.marks
    assert (begun.point.sequence, begun.last_sequence, begun.last_offset, begun.point.utterances) == (0, -1, -1, 0)
    assert (moved.point.sequence, moved.last_sequence, moved.last_offset, moved.point.utterances) == (3, 2, 2, 1)
    assert moved.origin_offset == 0


async def test_nothing_is_acked_while_the_broker_does_not_confirm_the_mark(bench: Bench) -> None:
    bench.outbox.gate.clear()
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, SILENCE))
    await asyncio.sleep(0.02)
    assert bench.acked == []
    bench.outbox.gate.set()
    await until(lambda: bench.acked == [0])
    session.stop()
    await task


async def test_the_end_of_a_stream_is_marked(bench: Bench) -> None:
    session = bench.session()
    bench.offer(session, audio_chunk(0, SILENCE))
    bench.offer(session, audio_chunk(1, SILENCE, end_of_stream=True))
    await session.run()
    assert [mark.is_ended for mark in bench.marks] == [False, True]
    assert (bench.marks[-1].last_sequence, bench.marks[-1].last_offset) == (1, 1)


async def test_a_session_goes_on_where_the_mark_says(bench: Bench) -> None:
    mark = a_mark(next_sequence=2, last_sequence=2, last_offset=2)
    session = bench.session(mark)
    assert session._intake.resume == mark.point
    task = asyncio.create_task(session.run())
    for sequence, payload in enumerate([SPEECH, SPEECH, END, SPEECH, END]):
        bench.offer(session, audio_chunk(sequence, payload))
    await until(lambda: bench.acked == [0, 1, 2, 3, 4])
    session.stop()
    await task
    # The scripted intake takes the END that the mark asks for as an utterance that fails: the real one hears silence.
    assert bench.outbox.utterances == [[3, 4]]
    assert [arrival.value for arrival, _ in bench.told.arrivals][:2] == ["duplicate", "duplicate"]
    assert bench.marks[-1].point.utterances == 2


async def test_what_fails_for_good_is_not_told_again_after_a_crash(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    for sequence, payload in enumerate([SILENCE, SPEECH, BROKEN]):
        bench.offer(session, audio_chunk(sequence, payload))
    await until(lambda: bench.acked == [0, 1, 2])
    session.stop()
    await task
    assert (bench.marks[-1].point.sequence, bench.marks[-1].last_sequence) == (3, 2)


async def test_a_chunk_whose_place_has_passed_is_dead_lettered(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    for sequence, payload in [(0, SILENCE), (2, SILENCE), (1, SPEECH)]:
        bench.offer(session, audio_chunk(sequence, payload))
    await until(lambda: len(bench.acked) == 3)
    session.stop()
    await task
    assert [(sequence, code) for sequence, code, _ in bench.outbox.letters] == [(1, DeadLetterCode.LATE_CHUNK)]


async def test_swapped_chunks_are_heard_in_their_order(bench: Bench) -> None:
    bench.limit(reorder_window=2)
    session = bench.session()
    task = asyncio.create_task(session.run())
    for sequence, payload in [(0, SILENCE), (2, END), (1, SPEECH)]:
        bench.offer(session, audio_chunk(sequence, payload))
    await until(lambda: len(bench.acked) == 3)
    session.stop()
    await task
    assert bench.outbox.utterances == [[1, 2]]


async def test_a_chunk_that_waits_for_another_is_heard_when_the_stream_falls_silent(bench: Bench) -> None:
    bench.limit(reorder_window=2, idle_utterance_s=0.03)
    session = bench.session()
    task = asyncio.create_task(session.run())
    for sequence, payload in [(0, SILENCE), (2, SPEECH), (3, END)]:
        bench.offer(session, audio_chunk(sequence, payload))
    await until(lambda: bench.outbox.utterances == [[2, 3]])
    await until(lambda: len(bench.acked) == 3)
    assert (Arrival.GAP, 1) in bench.told.arrivals
    session.stop()
    await task


async def test_an_utterance_is_not_cut_while_the_worker_itself_is_behind(bench: Bench) -> None:
    bench.limit(idle_utterance_s=0.02)
    bench.told.is_silent = False
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, SPEECH))
    await asyncio.sleep(0.1)
    assert bench.outbox.utterances == []
    bench.told.is_silent = True
    await until(lambda: bench.outbox.utterances == [[0]])
    session.stop()
    await task


async def test_chunks_that_come_late_without_a_gap_in_the_audio_cut_nothing(bench: Bench) -> None:
    bench.told.is_silent = False
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, SPEECH))
    bench.offer(session, audio_chunk(1, SPEECH), stamp=START + timedelta(seconds=9))
    bench.offer(session, audio_chunk(2, END), stamp=START + timedelta(seconds=9))
    await until(lambda: len(bench.acked) == 3)
    assert bench.outbox.utterances == [[0, 1, 2]]
    session.stop()
    await task


async def test_an_utterance_is_closed_when_too_much_waits_behind_it(bench: Bench) -> None:
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, SPEECH))
    await until(lambda: session.has_open_utterance and not session._mailbox)
    session.close_early()
    await until(lambda: bench.acked == [0])
    assert bench.outbox.utterances == [[0]]
    assert bench.told.closed_early == 1
    session.stop()
    await task


async def test_an_engine_that_failed_ends_the_session_and_acks_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: ScriptedPipeline, event: object) -> None:
        raise EngineFailed("gone")

    monkeypatch.setattr(ScriptedPipeline, "handle", fail)
    session = bench.session()
    bench.offer(session, audio_chunk(0, SPEECH))
    bench.offer(session, audio_chunk(1, END))
    with pytest.raises(EngineFailed):
        await session.run()
    assert bench.acked == []
    assert bench.outbox.letters == []


async def test_a_pipeline_is_closed_behind_the_call_that_is_under_way(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_return, told = threading.Event(), []

    def handle(self: ScriptedPipeline, event: object) -> None:
        may_return.wait(5)
        told.append("handled")

    monkeypatch.setattr(ScriptedPipeline, "handle", handle)
    monkeypatch.setattr(ScriptedPipeline, "close", lambda self: told.append("closed"))
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, SPEECH))
    bench.offer(session, audio_chunk(1, END))
    await until(lambda: session._is_working and len(session._held) == 2)
    task.cancel()
    await asyncio.wait([task])
    may_return.set()
    await until(lambda: len(told) == 2)
    assert told == ["handled", "closed"]


async def listening(bench: Bench, *, payload: bytes = SILENCE) -> tuple[StreamSession, asyncio.Task[None]]:
    """A session that has begun with a chunk and waits for the next."""
    session = bench.session()
    task = asyncio.create_task(session.run())
    bench.offer(session, audio_chunk(0, payload))
    await until(lambda: not session._mailbox and session._listens_for_s is not None)
    return session, task


async def test_a_chunk_that_nothing_must_be_awaited_for_is_heard_at_once(bench: Bench) -> None:
    session, task = await listening(bench)
    for sequence in (1, 2, 2, 3):
        bench.offer(session, audio_chunk(sequence, SILENCE))
    assert bench.acked == [0, 1, 2, 2, 3]
    session.stop()
    await task


async def test_what_comes_while_something_is_under_way_has_its_turn_behind_it(bench: Bench) -> None:
    session, task = await listening(bench)
    bench.outbox.gate.clear()
    bench.offer(session, audio_chunk(1, BROKEN))
    for sequence, payload in enumerate([SILENCE, SPEECH, END, SILENCE], 2):
        bench.offer(session, audio_chunk(sequence, payload))
    await asyncio.sleep(0)
    assert bench.acked == [0]
    bench.outbox.gate.set()
    await until(lambda: bench.acked == [0, 1, 2, 3, 4, 5])
    assert [letter[0] for letter in bench.outbox.letters] == [1]
    assert bench.outbox.utterances == [[3, 4]]
    session.stop()
    await task


async def test_what_was_begun_at_once_is_finished_although_the_session_is_told_to_stop(bench: Bench) -> None:
    session, task = await listening(bench, payload=SPEECH)
    bench.offer(session, audio_chunk(1, END))
    session.stop()
    bench.offer(session, audio_chunk(2, SILENCE))
    await task
    assert bench.acked == [0, 1]
    assert bench.outbox.utterances == [[0, 1]]


async def test_a_chunk_that_is_heard_at_once_counts_against_silence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, passed_s = asyncio.get_running_loop(), 0.0
    real_time = loop.time
    monkeypatch.setattr(loop, "time", lambda: real_time() + passed_s)
    bench.limit(idle_utterance_s=1_000.0)
    session, task = await listening(bench, payload=SPEECH)
    for _ in range(3):
        passed_s += 800.0
        bench.offer(session, audio_chunk(len(bench.offered), SPEECH))
        await asyncio.sleep(0.01)
    assert bench.outbox.utterances == []
    passed_s += 1_001.0
    await until(lambda: bench.outbox.utterances == [[0, 1, 2, 3]])
    session.stop()
    await task


async def test_a_session_that_waits_for_a_stream_to_end_closes_the_utterance_that_begins_meanwhile(
    bench: Bench,
) -> None:
    bench.limit(idle_utterance_s=0.02, idle_stream_s=1_000.0)
    session, task = await listening(bench)
    bench.offer(session, audio_chunk(1, SPEECH))
    await until(lambda: bench.outbox.utterances == [[1]])
    session.stop()
    await task
