"""`moderation dead-letters` and its replay against a broker."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from click.testing import Result

from moderation.client.letters import Letter, letter_of
from moderation.client.reader import EventReader, Received
from moderation.client.replay import replay_letters
from moderation.client.replay_ledger import ledger_partition
from moderation.client.replay_plan import Outcome
from moderation.contracts.cloudevents import event_id
from moderation.contracts.codecs import load_codecs
from moderation.contracts.replay import REPLAY_OF, DeadLetterReplay, ReplayState, entry_key
from moderation.events import DeadLetter
from moderation.settings import Settings, StreamingSettings

pytestmark = pytest.mark.integration

Call = Callable[..., Result]
FAILED_AT = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = b"SECRET PAYLOAD"


@pytest.fixture
def settings(environment: dict[str, str], call: Call) -> Settings:
    """The settings of the commands, whose topics exist."""
    assert call("topics", "apply").exit_code == 0
    names = {
        name.removeprefix("MODERATION_STREAMING__").lower(): value
        for name, value in environment.items()
        if name.startswith("MODERATION_STREAMING__")
    }
    return Settings(broker=environment["MODERATION_BROKER"], streaming=StreamingSettings(**names))


def a_letter(settings: Settings, offset: int, **changes: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "code": "key_mismatch",
        "reason": "the key is another",
        "topic": settings.streaming.audio_topic,
        "partition": 2,
        "offset": offset,
        "timestamp": FAILED_AT,
        "key": f"stream-{offset % 2}".encode(),
        "value": SECRET + bytes([offset]),
        "headers": (("x-case", b"1"), ("x-case", None)),
        "application_version": "0",
        "failed_at": FAILED_AT + timedelta(seconds=offset),
    }
    return DeadLetter(**(values | changes))


def put(settings: Settings, *letters: DeadLetter) -> None:
    codec = load_codecs(settings).dead_letters

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers) as producer:
            for letter in letters:
                value = codec.encode(letter)
                await producer.send_and_wait(settings.streaming.dead_letters_topic, value, key=letter.key)

    asyncio.run(write())


def written(settings: Settings) -> list[Any]:
    """What lies in the audio topic, by partition and offset."""

    async def read() -> list[Any]:
        topic = settings.streaming.audio_topic
        found = []
        async with AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap_servers, group_id=None, fetch_max_wait_ms=100
        ) as consumer:
            await consumer.topics()
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            while any([await consumer.position(p) < end for p, end in ends.items()]):
                for messages in (await consumer.getmany(timeout_ms=100)).values():
                    found += messages
        return sorted(found, key=lambda message: (message.partition, message.offset))

    return asyncio.run(read())


def enter(settings: Settings, letter: DeadLetter, state: ReplayState, *, stated_at: datetime) -> None:
    """Write to the ledger as another run would."""
    entry = DeadLetterReplay(
        dead_letter_id=event_id(letter),
        state=state,
        run_id="another",
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        stated_at=stated_at,
    )

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers) as producer:
            topic, value = settings.streaming.replays_topic, load_codecs(settings).replays.encode(entry)
            partition = ledger_partition(entry.dead_letter_id, await producer.partitions_for(topic))
            await producer.send_and_wait(topic, value, key=entry_key(entry), partition=partition)

    asyncio.run(write())


def counts(result: Result) -> dict[str, int]:
    return {name: int(count) for name, count in (line.split("\t") for line in result.stdout.splitlines())}


def test_letters_are_listed_by_code_without_their_payload(settings: Settings, call: Call, json_lines: Any) -> None:
    put(settings, *(a_letter(settings, n) for n in range(3)), a_letter(settings, 3, code="late_chunk", partition=4))
    result = call("dead-letters", "--json")
    assert result.exit_code == 0
    topic = settings.streaming.audio_topic
    assert json_lines(result.stdout) == [
        {
            "code": "key_mismatch",
            "count": 3,
            "replayed": 0,
            "streams": 2,
            "first_failed_at": "2026-03-01T00:00:00.000Z",
            "last_failed_at": "2026-03-01T00:00:02.000Z",
            "topics": {topic: [2]},
        },
        {
            "code": "late_chunk",
            "count": 1,
            "replayed": 0,
            "streams": 1,
            "first_failed_at": "2026-03-01T00:00:03.000Z",
            "last_failed_at": "2026-03-01T00:00:03.000Z",
            "topics": {topic: [4]},
        },
    ]
    table = call("dead-letters", COLUMNS="200").stdout
    assert f"{topic}[2]" in table
    everything = result.output + table + call("dead-letters", "--details").output
    assert "SECRET" not in everything + call("dead-letters", "--details", "--json").output


def test_details_are_a_row_a_letter_and_can_be_narrowed(settings: Settings, call: Call, json_lines: Any) -> None:
    put(settings, *(a_letter(settings, n) for n in range(4)))
    rows = json_lines(call("dead-letters", "--details", "--json", "--limit", "2").stdout)
    assert [(row["offset"], row["size_bytes"], row["replayed"]) for row in rows] == [(2, 15, False), (3, 15, False)]
    since = json_lines(call("dead-letters", "--details", "--json", "--since", "2026-03-01T00:00:03").stdout)
    assert [row["id"] for row in since] == [event_id(a_letter(settings, 3))]
    assert call("dead-letters", "--code", "late_chunk").stderr == "no dead letters match\n"
    assert "neither ISO 8601" in call("dead-letters", "--since", "yesterday").stderr


def test_an_empty_topic_says_so(settings: Settings, call: Call) -> None:
    result = call("dead-letters", "--json")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no dead letters\n")


@pytest.mark.parametrize("arguments", [["dead-letters"], ["dead-letters", "replay", "--all"]])
def test_a_broker_that_does_not_answer_is_told_in_one_line(call: Call, arguments: list[str]) -> None:
    result = call(*arguments, MODERATION_BROKER="127.0.0.1:1")
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    "arguments", [["replay"], ["replay", "--all", "--code", "x"], ["--code", "x", "replay", "--all"]], ids=str
)
def test_a_replay_that_is_not_clearly_chosen_is_refused(call: Call, arguments: list[str]) -> None:
    assert call("dead-letters", *arguments).exit_code == 2


def test_a_replay_keeps_bytes_key_headers_order_and_partition_and_happens_once(settings: Settings, call: Call) -> None:
    letters = [a_letter(settings, n) for n in range(5)]
    put(settings, *reversed(letters), letters[0])
    result = call("dead-letters", "replay", "--all")
    assert (result.exit_code, counts(result)) == (0, {"replayed": 5})
    messages = written(settings)
    assert [message.partition for message in messages] == [2] * 5
    assert [(message.key, message.value) for message in messages] == [(letter.key, letter.value) for letter in letters]
    assert [message.headers for message in messages] == [
        (*letter.headers, (REPLAY_OF, event_id(letter).encode())) for letter in letters
    ]
    second = call("dead-letters", "replay", "--all")
    assert (second.exit_code, counts(second)) == (0, {"already_replayed": 5})
    assert len(written(settings)) == 5
    assert json.loads(call("dead-letters", "--json").stdout)["replayed"] == 5
    again = call("dead-letters", "replay", "--id", event_id(letters[3]), "--again")
    assert counts(again) == {"replayed": 1}
    assert written(settings)[-1].value == letters[3].value


def test_a_replay_that_failed_again_is_not_replayed_again(settings: Settings, call: Call) -> None:
    put(settings, a_letter(settings, 1, headers=((REPLAY_OF, b"older"),)))
    result = call("dead-letters", "replay", "--all")
    assert (result.exit_code, counts(result)) == (0, {"failed_replay": 1})
    assert written(settings) == []
    assert counts(call("dead-letters", "replay", "--all", "--again")) == {"replayed": 1}
    (message,) = written(settings)
    assert [name for name, _ in message.headers] == [REPLAY_OF]


def test_what_cannot_be_replayed_is_reported_and_the_exit_code_says_so(settings: Settings, call: Call) -> None:
    put(
        settings,
        a_letter(settings, 1, value=None),
        a_letter(settings, 2, topic="another-topic"),
        a_letter(settings, 3),
    )
    result = call("dead-letters", "replay", "--all")
    assert result.exit_code == 1
    assert counts(result) == {"replayed": 1, "no_value": 1, "other_topic": 1}
    assert "--topic another-topic" in result.stderr
    unknown = call("dead-letters", "replay", "--id", "nothing")
    assert (unknown.exit_code, counts(unknown)) == (1, {"not_found": 1})


def test_a_dry_run_publishes_nothing(settings: Settings, call: Call) -> None:
    put(settings, a_letter(settings, 1))
    result = call("dead-letters", "replay", "--all", "--dry-run", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"would_replay": 1})
    assert written(settings) == []
    assert counts(call("dead-letters", "replay", "--all")) == {"replayed": 1}


def test_a_letter_that_another_run_is_publishing_is_left_to_it_until_its_claim_runs_out(
    settings: Settings, call: Call
) -> None:
    put(settings, letter := a_letter(settings, 1))
    enter(settings, letter, ReplayState.CLAIMED, stated_at=datetime.now(UTC))
    result = call("dead-letters", "replay", "--all")
    assert (result.exit_code, counts(result)) == (1, {"reserved": 1})
    assert written(settings) == []


def test_the_letter_of_a_run_that_died_is_replayed_once_its_claim_ran_out(settings: Settings, call: Call) -> None:
    put(settings, letter := a_letter(settings, 1))
    enter(settings, letter, ReplayState.CLAIMED, stated_at=datetime.now(UTC) - timedelta(hours=1))
    assert counts(call("dead-letters", "replay", "--all")) == {"replayed": 1}


def test_of_two_operators_who_replay_at_once_each_letter_is_published_by_one(settings: Settings) -> None:
    put(settings, *(a_letter(settings, n) for n in range(60)))

    async def race() -> tuple[Any, Any]:
        letters: list[Letter] = []
        async with EventReader.dead_letters(settings) as reader:
            async for item in reader.received():
                assert isinstance(item, Received)
                letters.append(letter_of(item))
        letters.sort(key=lambda letter: letter.offset)
        return await asyncio.gather(replay_letters(settings, letters), replay_letters(settings, letters))

    one, other = asyncio.run(race())
    assert one[Outcome.REPLAYED] + other[Outcome.REPLAYED] == 60
    assert sorted(message.value for message in written(settings)) == sorted(SECRET + bytes([n]) for n in range(60))


def test_letters_that_were_written_in_one_batch_are_all_listed(settings: Settings, call: Call) -> None:
    codec, topic = load_codecs(settings).dead_letters, settings.streaming.dead_letters_topic

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, linger_ms=100) as producer:
            values = [codec.encode(a_letter(settings, n)) for n in range(3)]
            await asyncio.gather(*[await producer.send(topic, value, partition=0) for value in values])

    asyncio.run(write())
    assert json.loads(call("dead-letters", "--json").stdout)["count"] == 3


def test_a_letter_that_its_topic_no_longer_keeps_is_gone(settings: Settings) -> None:
    put(settings, a_letter(settings, 0))

    async def run() -> Any:
        async with EventReader.dead_letters(settings) as reader:
            (item,) = [item async for item in reader.received()]
        assert isinstance(item, Received)
        letter = letter_of(item)
        moved = replace(letter, place=replace(letter.place, offset=-1))
        return await replay_letters(settings, [moved])

    assert asyncio.run(run()) == {Outcome.GONE: 1}
