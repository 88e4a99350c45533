"""Flags of an utterance that goes on: told when there is news, kept in the mark, and owed a final revision."""

import asyncio
import threading
from dataclasses import replace

import pytest
from support.streaming import (
    BROKEN,
    END,
    FLAGGED_END,
    SILENCE,
    SLUR,
    SPEECH,
    Bench,
    ScriptedPipeline,
    a_detection,
    a_partial,
    audio_chunk,
    until,
)

from moderation.errors import BrokerUnavailable
from moderation.events import Severity
from moderation.partials import PartialOutcome
from moderation.streaming.session import StreamSession
from moderation.streaming.session_parts import PartialsUse

INSULT = ["insult"]


class Listening(ScriptedPipeline):
    """Asks for an interim decode with every chunk of an utterance, and hears what it is told to, when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.found = [a_detection()]
        self.may_hear = threading.Event()
        self.may_hear.set()
        self.begun = 0
        self.error: Exception | None = None

    def wants(self, event: object) -> bool:
        return False if self._opened is not None else super().wants(event)  # type: ignore[arg-type]

    @property
    def is_interim_due(self) -> bool:  # type: ignore[override]
        return self._opened is not None

    def interim(self) -> "Listening":  # type: ignore[override]
        self.begun += 1
        self.at = (self._opened, self._heard)
        return self

    def hear(self) -> PartialOutcome:
        opened, heard = self.at
        assert self.may_hear.wait(5)
        if self.error is not None:
            raise self.error
        assert opened is not None
        return a_partial(opened, *self.found, heard_ms=heard // 16)


@pytest.fixture
def listening(bench: Bench) -> Listening:
    """The pipeline of the sessions to come."""
    pipeline = Listening()
    bench.parts = replace(bench.parts, open_pipeline=lambda first, mark: pipeline)
    return pipeline


class Talk:
    """A session that runs, and what is said in it."""

    def __init__(self, bench: Bench, session: StreamSession, first: int = 0) -> None:
        self._bench = bench
        self._sequence = first
        self.session = session
        self.task = asyncio.create_task(session.run())

    async def say(self, *payloads: bytes) -> None:
        """Each is looked at before the next is said."""
        for payload in payloads:
            self._bench.offer(self.session, audio_chunk(self._sequence, payload))
            self._sequence += 1
            await until(lambda: not self.session._mailbox and not self.session._is_working)
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        self.session.stop()
        await self.task


async def test_a_partial_that_is_flagged_is_told_while_the_speaker_goes_on(bench: Bench) -> None:
    talk = Talk(bench, bench.session())
    await talk.say(SILENCE, SPEECH, SLUR)
    assert bench.outbox.provisional == [([1, 2], INSULT, False)]
    assert bench.outbox.utterances == []
    await talk.say(SPEECH, FLAGGED_END)
    assert bench.outbox.utterances == [[1, 2, 3, 4]]
    await talk.stop()


async def test_the_final_revision_knows_which_flag_it_settles_and_the_next_utterance_owes_none(bench: Bench) -> None:
    talk = Talk(bench, bench.session())
    await talk.say(SLUR, END, SPEECH, END)
    told = [mark.provisional_flag_id for mark in bench.marks]
    assert told[1] is not None
    assert told == [None, told[1], None, None]
    assert bench.outbox.settled == [told[1], None]
    await talk.stop()


async def test_what_was_told_is_not_told_again(bench: Bench) -> None:
    talk = Talk(bench, bench.session())
    await talk.say(SLUR, SLUR, SLUR)
    assert len(bench.outbox.provisional) == 1
    await talk.say(END, SLUR)
    assert [sequences for sequences, _, _ in bench.outbox.provisional] == [[0], [4]]
    await talk.stop()


async def test_partials_are_flagged_or_published_or_both_as_the_settings_say(bench: Bench) -> None:
    bench.parts = replace(bench.parts, partials=PartialsUse(published=True, flagged=False))
    talk = Talk(bench, bench.session())
    await talk.say(SLUR, END)
    assert bench.outbox.partials == [[0]]
    assert bench.outbox.provisional == []
    await talk.stop()


async def test_the_mark_is_confirmed_before_the_flag_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(bench, bench.session())
    await talk.say(SILENCE)
    bench.outbox.failure = BrokerUnavailable("down")
    bench.offer(talk.session, audio_chunk(1, SLUR))
    with pytest.raises(BrokerUnavailable):
        await talk.task
    assert bench.outbox.provisional == []


async def test_a_successor_settles_what_was_told_before_it_came(bench: Bench) -> None:
    """Killed after the provisional flag; the successor hears nothing that is worth a flag, and takes it back."""
    talk = Talk(bench, bench.session())
    await talk.say(SILENCE, SLUR)
    talk.task.cancel()
    await asyncio.wait([talk.task])
    (owed,) = {mark.provisional_flag_id for mark in bench.marks} - {None}
    successor = Talk(bench, bench.session(bench.marks[-1]))
    await successor.say(SILENCE, SPEECH, END)
    assert bench.outbox.settled == [owed]
    assert bench.marks[-1].provisional_flag_id is None
    await successor.stop()


async def test_what_was_told_stands_when_the_utterance_cannot_be_recognised(bench: Bench) -> None:
    talk = Talk(bench, bench.session())
    await talk.say(SLUR, BROKEN)
    assert bench.outbox.provisional == [([0], INSULT, False), ([0, 1], INSULT, True)]
    assert [sequence for sequence, _, _ in bench.outbox.letters] == [0, 1]
    assert bench.marks[-1].provisional_flag_id is None
    await talk.stop()


async def test_nothing_is_told_early_where_no_mark_is_kept(bench: Bench) -> None:
    """Dead letters that are replayed: nobody would know of a flag that is owed."""
    talk = Talk(bench, StreamSession(bench.parts, bench.session()._first))
    await talk.say(SLUR, END)
    assert bench.outbox.provisional == []
    assert bench.outbox.settled == [None]
    await talk.stop()


async def test_an_interim_decode_is_told_without_waiting_for_another_chunk(bench: Bench, listening: Listening) -> None:
    talk = Talk(bench, bench.session())
    await talk.say(SPEECH, SPEECH)
    await until(lambda: bench.outbox.provisional == [([0], INSULT, False)])
    await talk.say(END)
    assert bench.outbox.settled == [bench.marks[1].provisional_flag_id]
    await talk.stop()


async def test_chunks_are_taken_in_while_an_interim_decode_is_made_and_no_second_is_begun(
    bench: Bench, listening: Listening
) -> None:
    listening.may_hear.clear()
    talk = Talk(bench, bench.session())
    await talk.say(SPEECH, SPEECH, SPEECH)
    assert len(talk.session._held) == 3
    assert listening.begun == 1
    listening.may_hear.set()
    await until(lambda: bench.outbox.provisional == [([0], INSULT, False)])
    await talk.stop()


async def test_an_interim_decode_that_comes_after_the_end_is_dropped(bench: Bench, listening: Listening) -> None:
    listening.may_hear.clear()
    talk = Talk(bench, bench.session())
    await talk.say(SPEECH, END)
    assert bench.outbox.utterances == [[0, 1]]
    listening.may_hear.set()
    await talk.say(SILENCE)
    assert bench.outbox.provisional == []
    assert bench.outbox.settled == [None]
    assert bench.told.interims == [False]
    await talk.stop()


async def test_a_worse_finding_is_told_with_what_was_told_before(bench: Bench, listening: Listening) -> None:
    talk = Talk(bench, bench.session())
    await talk.say(SPEECH)
    await until(lambda: len(bench.outbox.provisional) == 1)
    listening.found = [a_detection("threat", Severity.CRITICAL)]
    await talk.say(SPEECH, SPEECH)
    await until(lambda: len(bench.outbox.provisional) == 2)
    assert bench.outbox.provisional[1][1] == ["threat", "insult"]
    await talk.stop()


async def test_an_interim_decode_that_fails_harms_nothing(bench: Bench, listening: Listening) -> None:
    listening.error = RuntimeError("this text must not be seen by anyone")
    talk = Talk(bench, bench.session())
    await talk.say(SPEECH, SPEECH, END)
    assert bench.outbox.utterances == [[0, 1, 2]]
    assert bench.outbox.letters == []
    await talk.stop()


async def test_a_session_that_is_stopped_wants_nothing_of_what_is_under_way(bench: Bench, listening: Listening) -> None:
    listening.may_hear.clear()
    talk = Talk(bench, bench.session())
    await talk.say(SPEECH)
    await talk.stop()
    listening.may_hear.set()
    assert bench.told.interims == [False]
    assert bench.outbox.provisional == []
