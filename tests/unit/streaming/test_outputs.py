"""What is published about an utterance: the revisions of its flag have one id, and the last is the highest."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from support.streaming import START, a_detection, a_judgement, a_partial, audio_chunk, received
from support.utterances import an_utterance

from moderation.audio.utterance import UtteranceOpened
from moderation.clock import ManualClock
from moderation.contracts.codecs import load_codecs
from moderation.events import ModerationFlag, Severity
from moderation.pipeline import UtteranceOutcome
from moderation.settings import Settings
from moderation.streaming.context import SessionContexts
from moderation.streaming.outbox import KafkaOutbox
from moderation.streaming.outputs import flag_id_of, flag_of, provisional_flag_of
from moderation.streaming.received import ReceivedChunk
from moderation.telemetry.metrics import Metrics

CHUNKS = [received(audio_chunk(sequence, b"x"), sequence + 100) for sequence in range(3, 63)]
BEGAN = START + timedelta(milliseconds=720)
OPENED = UtteranceOpened(number=0, first_sequence=3, start_ms=720, started_at=BEGAN)
UTTERANCE = an_utterance(
    np.zeros(1, np.float32),
    first_sequence=3,
    last_sequence=62,
    start_ms=720,
    end_ms=12_320,
    speech_end_ms=12_120,
    decided_ms=12_520,
    started_at=BEGAN,
    ended_at=BEGAN + timedelta(milliseconds=11_400),
)


def judged(*found: object, text: str = "hello") -> UtteranceOutcome:
    judgement = a_judgement(*found)  # type: ignore[arg-type]
    judgement = replace(judgement, masked=replace(judgement.masked, text=text))
    return UtteranceOutcome(utterance=UTTERANCE, judgement=judgement, engine="e", models={"asr": "e"}, timings_ms={})


def early(heard_ms: int, *, is_final: bool = False) -> ModerationFlag:
    outcome, heard = a_partial(OPENED, a_detection(), heard_ms=heard_ms), CHUNKS[: heard_ms // 200]
    return provisional_flag_of(outcome, heard, context=(), flagged_at=START, is_final=is_final)


def test_all_revisions_have_one_id_and_rise_with_what_was_heard() -> None:
    final = flag_of(judged(a_detection()), CHUNKS, context=(), waited_ms=0.0, flagged_at=START)
    told = [early(3_200), early(4_800), early(11_800), final]
    assert len({flag.flag_id for flag in told}) == 1
    assert [flag.revision for flag in told] == [3_200, 4_800, 11_800, 11_801]
    assert [flag.provisional for flag in told] == [True, True, True, False]


def test_a_provisional_flag_covers_what_was_heard() -> None:
    flag = early(3_200)
    assert (flag.first_sequence, flag.last_sequence) == (3, 18)
    assert (flag.evidence.first_offset, flag.evidence.last_offset) == (103, 118)
    assert (flag.start_ms, flag.end_ms) == (720, 3_920)
    assert (flag.started_at, flag.ended_at) == (BEGAN, BEGAN + timedelta(milliseconds=3_200))


def test_what_stands_because_no_more_will_be_known_is_final_and_above_what_was_told() -> None:
    assert (early(3_200, is_final=True).revision, early(3_200, is_final=True).provisional) == (3_201, False)


@dataclass
class Published:
    """What was published where."""

    values: list[tuple[str, bytes]] = field(default_factory=list)

    async def publish(self, topic: str, *, key: bytes | None, value: bytes, headers: dict[str, bytes]) -> None:
        self.values.append((topic, value))


@dataclass
class Office:
    """An outbox, and what comes out of it."""

    published: Published
    outbox: KafkaOutbox

    async def utterance(self, outcome: UtteranceOutcome, owed: str | None) -> None:
        await self.outbox.utterance(outcome, CHUNKS, waited_ms=0.0, provisional_flag_id=owed)

    @property
    def flags(self) -> list[ModerationFlag]:
        codec = load_codecs(Settings()).flags
        return [codec.decode(value) for topic, value in self.published.values if topic == "moderation-flags"]

    @property
    def topics(self) -> list[str]:
        return [topic for topic, _ in self.published.values]


@pytest.fixture
def office() -> Office:
    published = Published()
    outbox = KafkaOutbox(
        published,  # type: ignore[arg-type]
        codecs=load_codecs(Settings()),
        topics=Settings().streaming,
        contexts=SessionContexts(utterances=3),
        clock=ManualClock(START),
        metrics=Metrics(CollectorRegistry()),
        on_dead_letter=lambda code: None,
    )
    return Office(published=published, outbox=outbox)


def owed_flag(chunk: ReceivedChunk = CHUNKS[0], policy_id: str = "p") -> str:
    return flag_id_of(OPENED, chunk, policy_id=policy_id)


async def test_a_flag_that_is_confirmed_supersedes_the_provisional_one(office: Office) -> None:
    await office.utterance(judged(a_detection()), owed_flag())
    (flag,) = office.flags
    assert (flag.flag_id, flag.provisional, flag.is_withdrawn) == (owed_flag(), False, False)


@pytest.mark.parametrize("text", ["hello", ""])
async def test_a_flag_that_is_not_confirmed_is_taken_back(office: Office, text: str) -> None:
    await office.utterance(judged(text=text), owed_flag())
    (flag,) = office.flags
    assert (flag.flag_id, flag.revision, flag.is_withdrawn) == (owed_flag(), 11_801, True)
    assert (flag.severity, flag.action, flag.detections) == (Severity.NONE, "none", ())
    assert office.topics == ["moderation-flags"] + ["voice-transcripts"] * bool(text)


async def test_a_flag_under_another_policy_is_taken_back_beside_the_new_one(office: Office) -> None:
    before = owed_flag(policy_id="the one before")
    await office.utterance(judged(a_detection()), before)
    assert [(flag.flag_id, flag.is_withdrawn) for flag in office.flags] == [(owed_flag(), False), (before, True)]


async def test_an_utterance_of_which_nothing_was_told_and_nothing_is_found_has_no_flag(office: Office) -> None:
    await office.utterance(judged(), None)
    assert office.topics == ["voice-transcripts"]
    await office.utterance(judged(text=""), None)
    assert office.topics == ["voice-transcripts"]


async def test_a_provisional_flag_is_published_as_one(office: Office) -> None:
    await office.outbox.provisional_flag(a_partial(OPENED, a_detection(), heard_ms=3_200), CHUNKS[:16])
    assert office.flags == [replace(early(3_200), flagged_at=START)]
