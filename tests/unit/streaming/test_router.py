import asyncio
from collections.abc import Callable

import pytest
from support.streaming import END, POISON, SILENCE, SPEECH, Bench, audio_chunk, received, until

from moderation.clock import SystemClock
from moderation.errors import BrokerUnavailable, DeadLetterCode, InvalidMessage, InvariantViolation
from moderation.events import AudioChunk
from moderation.streaming.received import RawMessage, ReceivedChunk
from moderation.streaming.router import IntakeRouter, RouterLimits, RouterParts
from moderation.streaming.session import StreamSession
from moderation.streaming.transport import Partition


class Harness:
    """A router whose messages carry chunks by offset."""

    def __init__(
        self,
        bench: Bench,
        *,
        max_chunks_in_flight: int = 64,
        max_open_streams: int = 64,
        max_unacked_chunks: int = 1_000,
    ) -> None:
        self.bench = bench
        self.routed: list[int] = []
        self.committed = 0
        self.replays: set[int] = set()
        """Offsets of replayed dead letters."""
        self.failures: list[BaseException] = []
        self.chunks: dict[int, AudioChunk] = {}
        self.commits = 0
        self.trips: set[int] = set()
        """Offsets whose decoding raises what it should not."""
        self.refused: set[str] = set()
        """Streams whose session cannot be opened."""
        parts = RouterParts(
            receive=self._receive,
            new_session=self._new_session,
            rejecter=bench.outbox,
            clock=SystemClock(),
            limits=RouterLimits(
                max_chunks_in_flight=max_chunks_in_flight,
                max_open_streams=max_open_streams,
                max_unacked_chunks=max_unacked_chunks,
            ),
            observer=bench.told,
            on_failure=self.failures.append,
        )
        self.router = IntakeRouter(parts)
        self.router.open_partitions(0)
        object.__setattr__(bench.parts, "on_taken", self.router.chunk_taken)

    @property
    def acked(self) -> list[int]:
        """Offsets that were acked, of this generation or committed at the end of an earlier one."""
        acked = max([self.committed - 1, *self.router.acked.values()])
        return sorted({offset for offset in self.routed if offset <= acked})

    def _receive(self, message: RawMessage) -> ReceivedChunk:
        chunk = self._decode(message)
        is_replay = message.offset in self.replays
        return ReceivedChunk(chunk=chunk, message=message, received_s=0.0, is_replay=is_replay)

    def _decode(self, message: RawMessage) -> AudioChunk:
        if message.offset in self.trips:
            raise OverflowError("this text must not be seen by anyone")
        if message.offset not in self.chunks:
            raise InvalidMessage(DeadLetterCode.MALFORMED_AVRO, "not Avro")
        return self.chunks[message.offset]

    def _new_session(self, first: ReceivedChunk) -> StreamSession:
        if first.chunk.stream_id in self.refused:
            raise RuntimeError("no")
        return StreamSession(self.bench.parts, first)

    async def route(self, offset: int, chunk: AudioChunk | None) -> None:
        if chunk is not None:
            self.chunks[offset] = chunk
        message = received(chunk or audio_chunk(0, POISON), offset).message
        self.routed.append(offset)
        await self.router.route(message)

    async def close(self, deadline_s: float = 2.0, *, for_good: bool = False) -> None:
        async def commit(offsets: dict[Partition, int]) -> None:
            self.commits += 1
            self.committed = max([self.committed, *offsets.values()])

        await self.router.close_partitions(deadline_s=deadline_s, commit=commit, for_good=for_good)


@pytest.fixture
def harness(bench: Bench) -> Callable[..., Harness]:
    return lambda **limits: Harness(bench, **limits)


async def test_what_cannot_be_decoded_is_dead_lettered_then_acked_while_a_neighbour_goes_on(harness) -> None:
    h = harness()
    await h.route(0, audio_chunk(0, SPEECH))
    await h.route(1, None)
    await h.route(2, audio_chunk(1, END))
    await until(lambda: h.acked == [0, 1, 2])
    assert [(offset, code) for offset, code, _ in h.bench.outbox.letters] == [(1, DeadLetterCode.MALFORMED_AVRO)]
    assert h.bench.outbox.utterances == [[0, 1]]
    await h.close()


async def test_an_open_utterance_holds_the_acks_behind_it_back(harness) -> None:
    h = harness()
    await h.route(0, audio_chunk(0, SPEECH, stream_id="talks"))
    await h.route(1, audio_chunk(0, SILENCE, stream_id="silent"))
    await until(lambda: len(h.bench.told.arrivals) == 2)
    assert h.acked == []
    await h.route(2, audio_chunk(1, END, stream_id="talks"))
    await until(lambda: h.acked == [0, 1, 2])
    await h.close()


async def test_intake_waits_while_too_many_chunks_are_queued(harness) -> None:
    h = harness(max_chunks_in_flight=2)
    h.bench.outbox.gate.clear()
    for offset, payload in enumerate([SPEECH, END, SILENCE, SILENCE]):
        await h.route(offset, audio_chunk(offset, payload))
    blocked = asyncio.create_task(h.route(4, audio_chunk(4, SILENCE)))
    await asyncio.sleep(0.03)
    assert not blocked.done()
    h.bench.outbox.gate.set()
    await blocked
    await until(lambda: h.acked == [0, 1, 2, 3, 4])
    await h.close()


async def test_intake_waits_while_too_many_streams_are_open(harness) -> None:
    h = harness(max_open_streams=1)
    await h.route(0, audio_chunk(0, SPEECH, stream_id="a"))
    blocked = asyncio.create_task(h.route(1, audio_chunk(0, SPEECH, stream_id="b")))
    await asyncio.sleep(0.03)
    assert not blocked.done()
    await h.close()
    await blocked
    assert h.acked == []


async def test_nothing_is_acked_after_the_partitions_were_taken_away(harness) -> None:
    h = harness()
    h.bench.outbox.gate.clear()
    await h.route(0, audio_chunk(0, SPEECH))
    await h.route(1, audio_chunk(1, END))
    await until(lambda: h.router.open_streams == 1)
    await h.close(deadline_s=0.05)
    h.bench.outbox.gate.set()
    await asyncio.sleep(0.02)
    assert h.acked == []
    assert h.commits == 1


async def test_what_is_under_way_is_published_and_acked_before_the_commit_of_a_revoke(harness) -> None:
    h = harness()
    h.bench.outbox.gate.clear()
    await h.route(0, audio_chunk(0, SPEECH))
    await h.route(1, audio_chunk(1, END))
    await asyncio.sleep(0.02)
    closing = asyncio.create_task(h.close())
    await asyncio.sleep(0.02)
    assert h.commits == 0
    h.bench.outbox.gate.set()
    await closing
    assert h.acked == [0, 1]
    assert h.commits == 1


async def test_redelivery_after_a_rebalance_may_start_at_an_earlier_offset(harness) -> None:
    h = harness()
    await h.route(7, audio_chunk(0, SPEECH))
    await h.close()
    h.router.open_partitions(0)
    await h.route(5, audio_chunk(0, SPEECH))
    await h.route(6, audio_chunk(1, END))
    await until(lambda: h.acked == [5, 6])
    await h.close()


async def test_a_broker_that_confirms_no_dead_letter_stops_the_worker_and_acks_nothing(harness) -> None:
    h = harness()
    h.bench.outbox.failure = BrokerUnavailable("down")
    await h.route(0, None)
    await until(lambda: bool(h.failures))
    assert h.acked == []
    assert [type(failure) for failure in h.failures] == [BrokerUnavailable]
    await h.close()


async def test_a_stream_that_ended_may_begin_again(harness) -> None:
    h = harness()
    await h.route(0, audio_chunk(0, SPEECH, end_of_stream=True))
    await until(lambda: h.acked == [0])
    await h.route(1, audio_chunk(1, SPEECH))
    await h.route(2, audio_chunk(2, END))
    await until(lambda: h.acked == [0, 1, 2])
    assert h.bench.outbox.utterances == [[0], [1, 2]]
    await h.close()


async def test_a_message_that_trips_the_decoder_is_dead_lettered_and_its_partition_goes_on(harness) -> None:
    h = harness(max_chunks_in_flight=1)
    h.trips.add(0)
    await h.route(0, audio_chunk(0, SILENCE))
    await asyncio.wait_for(h.route(1, audio_chunk(1, SILENCE)), 2)
    await until(lambda: h.acked == [0, 1])
    ((offset, code, reason),) = h.bench.outbox.letters
    assert (offset, code) == (0, DeadLetterCode.PROCESSING_FAILED)
    assert "OverflowError" in reason
    assert "must not be seen" not in reason
    assert h.failures == []
    await h.close()


async def test_a_session_that_cannot_be_opened_stops_the_worker_and_nothing_behind_its_message_is_acked(
    harness,
) -> None:
    h = harness(max_chunks_in_flight=1)
    h.refused.add("refused")
    await h.route(0, audio_chunk(0, SILENCE, stream_id="refused"))
    await asyncio.wait_for(h.route(1, audio_chunk(0, SILENCE, stream_id="fine")), 2)
    await until(lambda: len(h.bench.told.arrivals) >= 1 and not h.router.queued_chunks)
    assert h.acked == []
    assert [type(failure) for failure in h.failures] == [RuntimeError]
    await h.close()


async def test_what_is_delivered_again_while_it_is_in_hand_is_ignored(harness) -> None:
    h = harness(max_chunks_in_flight=2)
    await h.route(0, audio_chunk(0, SILENCE))
    await h.route(1, audio_chunk(1, SPEECH))
    await until(lambda: h.acked == [0])
    for offset, payload in [(0, SILENCE), (1, SPEECH)] * 3:
        await asyncio.wait_for(h.route(offset, audio_chunk(offset, payload)), 2)
    await h.route(2, audio_chunk(2, END))
    await until(lambda: h.acked == [0, 1, 2])
    assert h.bench.outbox.utterances == [[1, 2]]
    assert h.failures == []
    await h.close()


async def test_a_message_older_than_those_in_hand_and_never_seen_stops_the_worker_and_acks(harness) -> None:
    h = harness()
    await h.route(0, audio_chunk(0, SPEECH))
    await h.route(2, audio_chunk(2, SPEECH))
    await h.route(1, audio_chunk(1, SPEECH))
    await h.route(3, audio_chunk(3, END))
    await until(lambda: h.bench.outbox.utterances == [[0, 2, 3]])
    assert h.acked == []
    assert [type(failure) for failure in h.failures] == [InvariantViolation]
    await h.close()


async def test_the_end_of_one_close_leaves_alone_what_was_assigned_meanwhile(harness) -> None:
    h = harness()
    committed = asyncio.Event()
    slow = asyncio.create_task(h.router.close_partitions(deadline_s=2, commit=lambda _: committed.wait()))
    await asyncio.sleep(0)
    await h.close()
    h.router.open_partitions(0)
    await h.route(0, audio_chunk(0, SPEECH))
    committed.set()
    await slow
    await h.route(1, audio_chunk(0, SILENCE, stream_id="other"))
    await until(lambda: len(h.bench.told.arrivals) >= 1 and not h.router.queued_chunks)
    assert h.acked == []
    await h.route(2, audio_chunk(1, END))
    await until(lambda: h.acked == [0, 1, 2])
    await h.close()


async def test_nothing_is_taken_any_more_once_the_worker_ends_whatever_is_assigned(harness) -> None:
    h = harness()
    await h.close(for_good=True)
    h.router.open_partitions(0)
    await asyncio.wait_for(h.route(0, audio_chunk(0, SILENCE)), 2)
    assert h.router.open_streams == 0
    assert h.acked == []


async def test_a_new_stream_waits_for_room_while_the_open_ones_go_on(harness) -> None:
    h = harness(max_open_streams=1)
    await h.route(0, audio_chunk(0, SPEECH, stream_id="a"))
    await asyncio.wait_for(h.route(1, audio_chunk(1, END, stream_id="a")), 2)
    await until(lambda: h.acked == [0, 1])
    await h.close()


async def test_messages_that_come_before_their_partitions_are_open_wait_for_it(harness) -> None:
    h = harness()
    await h.close()
    early = asyncio.create_task(h.route(0, audio_chunk(0, SILENCE)))
    await asyncio.sleep(0.02)
    assert not early.done()
    h.router.open_partitions(0)
    await early
    await until(lambda: h.acked == [0])
    await h.close()


async def test_messages_of_an_earlier_generation_are_left_for_their_redelivery(harness) -> None:
    h = harness()
    await h.close()
    stale = asyncio.create_task(h.route(5, audio_chunk(5, SILENCE)))
    await asyncio.sleep(0)
    h.router.open_partitions(1)
    await asyncio.wait_for(stale, 2)
    assert h.router.open_streams == 0
    assert h.router.acked == {}
    await h.close()


async def test_a_resting_stream_makes_room_for_another(harness) -> None:
    h = harness(max_open_streams=1)
    await h.route(0, audio_chunk(0, SILENCE, stream_id="rests"))
    await until(lambda: h.acked == [0])
    await asyncio.wait_for(h.route(1, audio_chunk(0, SILENCE, stream_id="new")), 2)
    await until(lambda: h.acked == [0, 1])
    assert h.bench.told.evicted == 1
    await asyncio.wait_for(h.route(2, audio_chunk(1, SILENCE, stream_id="rests")), 2)
    await until(lambda: h.acked == [0, 1, 2])
    await h.close()


async def test_too_many_unacked_chunks_pause_intake_and_close_what_holds_them_back(harness) -> None:
    h = harness(max_unacked_chunks=3)
    await h.route(0, audio_chunk(0, SPEECH, stream_id="talks"))
    for offset in (1, 2):
        await h.route(offset, audio_chunk(offset, SILENCE, stream_id="silent"))
    assert h.acked == []
    await asyncio.wait_for(h.route(3, audio_chunk(3, SILENCE, stream_id="silent")), 2)
    await until(lambda: h.acked == [0, 1, 2, 3])
    assert h.bench.outbox.utterances == [[0]]
    assert h.bench.told.closed_early == 1
    assert h.bench.told.pauses == ["unacked"]
    await h.close()


async def test_a_pause_is_shown_while_it_lasts_and_told_when_it_ends(harness) -> None:
    h = harness(max_chunks_in_flight=1)
    h.bench.outbox.gate.clear()
    await h.route(0, audio_chunk(0, SPEECH))
    await until(lambda: h.router.queued_chunks == 0)
    await h.route(1, audio_chunk(1, END))
    await until(lambda: h.router.queued_chunks == 0)
    await h.route(2, audio_chunk(2, SILENCE))
    blocked = asyncio.create_task(h.route(3, audio_chunk(3, SILENCE)))
    await until(lambda: h.router.paused_by == "chunks")
    h.bench.outbox.gate.set()
    await blocked
    assert h.router.paused_by is None
    assert "chunks" in h.bench.told.pauses
    await h.close()


async def test_dead_letters_are_published_while_intake_goes_on(harness) -> None:
    h = harness(max_chunks_in_flight=4)
    h.bench.outbox.gate.clear()
    for offset in range(4):
        await asyncio.wait_for(h.route(offset, None), 2)
    blocked = asyncio.create_task(h.route(4, None))
    await asyncio.sleep(0.02)
    assert not blocked.done()
    assert h.acked == []
    h.bench.outbox.gate.set()
    await blocked
    await until(lambda: h.acked == [0, 1, 2, 3, 4] and h.router.queued_chunks == 0)
    await h.close()


async def test_replayed_dead_letters_are_served_apart_from_their_live_stream(harness) -> None:
    h = harness()
    await h.route(0, audio_chunk(7, SPEECH))
    h.replays = {1, 2}
    await h.route(1, audio_chunk(2, SPEECH))
    await h.route(2, audio_chunk(3, END))
    await until(lambda: h.bench.outbox.utterances == [[2, 3]])
    assert h.acked == []
    await h.route(3, audio_chunk(8, END))
    await until(lambda: h.acked == [0, 1, 2, 3])
    assert h.bench.outbox.utterances == [[2, 3], [7, 8]]
    await h.close()


async def test_the_router_knows_whether_somebody_speaks(harness) -> None:
    h = harness()
    assert not h.router.hears_speech
    await h.route(0, audio_chunk(0, SILENCE, stream_id="silent"))
    await h.route(1, audio_chunk(0, SPEECH, stream_id="talks"))
    await until(lambda: h.router.hears_speech)
    await h.route(2, audio_chunk(1, END, stream_id="talks"))
    await until(lambda: not h.router.hears_speech)
    await h.close()
