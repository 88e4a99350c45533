"""Every kind of malformed message becomes a dead letter with its code, while a neighbour is transcribed undisturbed."""

import asyncio
import io

import av
import numpy as np
import pytest
from aiokafka import AIOKafkaProducer
from support.streaming import audio_chunk
from support.voices import DEADLINE_S, play, transcript_of

from moderation.client.connection import kafka_arguments
from moderation.client.reader import EventReader, Received
from moderation.contracts.codecs import build_codecs, load_codecs
from moderation.contracts.limits import ContractLimits
from moderation.contracts.registry import NoRegistry
from moderation.events import AudioEncoding, DeadLetter
from moderation.settings import AudioSettings, KafkaSettings, Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n"
ONE_BYTE_PACKET = b"\x00\x01\xf8"
"""20 ms of Opus from one byte."""


def flac_of_silence(seconds: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000 * seconds), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


HOSTILE_AUDIO = {
    "opus, truncated packet": ("undecodable_audio", AudioEncoding.OPUS, b"\x00\x04\xff", {}),
    "opus, impossible packet": ("undecodable_audio", AudioEncoding.OPUS, b"\x00\x04\xff\xff\xff\xff", {}),
    "opus, empty packet": ("undecodable_audio", AudioEncoding.OPUS, b"\x00\x00", {}),
    "opus, a thousand packets of a byte": ("audio_limit_exceeded", AudioEncoding.OPUS, ONE_BYTE_PACKET * 1000, {}),
    "flac, a minute of silence": ("audio_limit_exceeded", AudioEncoding.FLAC, flac_of_silence(60), {}),
    "flac, cut short": ("undecodable_audio", AudioEncoding.FLAC, flac_of_silence(1)[:30], {}),
    "ogg, a session description": ("undecodable_audio", AudioEncoding.OGG_OPUS, SDP, {}),
    "pcm, half a sample": ("undecodable_audio", AudioEncoding.PCM_S16LE, b"\x00" * 3, {}),
    "pcm, not a number": ("undecodable_audio", AudioEncoding.PCM_F32LE, b"\x00\x00\xc0\x7f" * 800, {}),
    "pcm, two seconds": ("audio_limit_exceeded", AudioEncoding.PCM_S16LE, bytes(64_000), {}),
    "pcm, a rate of one": ("invalid_field", AudioEncoding.PCM_S16LE, bytes(640), {"sample_rate_hz": 1}),
    "pcm, forty channels": ("invalid_field", AudioEncoding.PCM_S16LE, bytes(640), {"channels": 40}),
    "pcm, too many bytes": ("payload_too_large", AudioEncoding.PCM_S16LE, bytes(1_100_000), {}),
}


def poison(settings: Settings) -> dict[str, tuple[str, bytes, bytes | None]]:
    """Case to expected code, key and value."""
    codec = load_codecs(settings).audio_chunks
    unlimited = {
        "kafka": KafkaSettings(max_message_bytes=8_000_000),
        "audio": AudioSettings(max_payload_bytes=8_000_000),
    }
    limits = ContractLimits.of(settings.model_copy(update=unlimited))
    careless = build_codecs(limits, resolver=NoRegistry()).audio_chunks
    good = codec.encode(audio_chunk(0, bytes(6400), stream_id="good"))
    cases: dict[str, tuple[str, bytes, bytes | None]] = {
        "no value": ("empty_value", b"k1", None),
        "not framed": ("unknown_framing", b"k2", b"not a framed message at all"),
        "a schema nobody knows": ("unknown_schema", b"k3", b"\xc3\x01" + b"\x07" * 8 + b"whatever"),
        "half a record": ("malformed_avro", b"k4", good[: len(good) // 2]),
        "a length beyond the end": ("malformed_avro", b"k5", good[:10] + b"\xfe\xff\xff\xff\x0f" + good[11:]),
        "another stream's key": ("key_mismatch", b"another", good),
    }
    for number, (case, (code, encoding, payload, changes)) in enumerate(HOSTILE_AUDIO.items()):
        chunk = audio_chunk(0, payload, encoding=encoding, stream_id=f"h{number}", **changes)
        cases[case] = (code, f"h{number}".encode(), careless.encode(chunk))
    return cases


async def test_every_kind_of_poison_becomes_a_dead_letter_while_a_neighbour_is_transcribed(
    settings: Settings, worker_log: object
) -> None:
    cases = poison(settings)
    neighbour = asyncio.create_task(play(settings, "clean-homework"))
    async with AIOKafkaProducer(**kafka_arguments(settings), max_request_size=4_000_000) as producer:
        for case, (_, key, value) in cases.items():
            headers = [("x-case", case.encode())]
            await producer.send_and_wait(settings.streaming.audio_topic, value, key=key, headers=headers)
    letters: dict[str, DeadLetter] = {}
    async with asyncio.timeout(DEADLINE_S), EventReader.dead_letters(settings, follow=True, beginning=True) as reader:
        async for item in reader.received():
            assert isinstance(item, Received)
            headers = dict(item.headers)
            assert headers["__connect.errors.topic"] == settings.streaming.audio_topic.encode()
            assert headers["__connect.errors.exception.class.name"] == item.event.code.encode()
            letters[dict(item.event.headers)["x-case"].decode()] = item.event
            if len(letters) == len(cases):
                break
    assert {case: letter.code for case, letter in letters.items()} == {
        case: code for case, (code, _, _) in cases.items()
    }
    for case, (_, key, value) in cases.items():
        assert letters[case].key == key
        assert letters[case].value == value
    assert (await transcript_of(settings, await neighbour)).event.text
