"""`moderation send` against a broker."""

import asyncio
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from moderation.client.reader import EventReader
from moderation.events import AudioChunk, AudioEncoding
from moderation.settings import Settings, StreamingSettings

pytestmark = pytest.mark.integration

Call = Callable[..., Result]
WHO = ("--session", "s", "--speaker", "p", "--speed", "0")


@pytest.fixture
def sound(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a second of sound in a file."""

    def make(name: str) -> Path:
        path = tmp_path / name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes((3000 * np.sin(np.arange(16_000) / 20)).astype("<i2").tobytes())
        return path

    return make


@pytest.fixture
def sent(environment: dict[str, str]) -> Callable[[], list[AudioChunk]]:
    """The chunks on the broker."""

    async def read() -> list[AudioChunk]:
        streaming = StreamingSettings(audio_topic=environment["MODERATION_STREAMING__AUDIO_TOPIC"])
        settings = Settings(broker=environment["MODERATION_BROKER"], streaming=streaming)
        async with EventReader.audio(settings) as reader:
            return [chunk async for chunk in reader]

    return lambda: asyncio.run(read())


@pytest.mark.parametrize("encoding", ["opus", "pcm_s16le", "flac"])
def test_a_file_is_played_as_one_stream(
    call: Call, sound: Callable[[str], Path], sent: Callable[[], list[AudioChunk]], encoding: str
) -> None:
    call("topics", "apply")
    result = call("send", str(sound("a.wav")), *WHO, "--encoding", encoding, "--tenant", "t", "--language-hint", "en")
    assert result.exit_code == 0
    chunks = sent()
    assert [chunk.sequence for chunk in chunks] == list(range(6))
    assert {chunk.encoding for chunk in chunks} == {AudioEncoding(encoding.upper())}
    assert {(c.tenant_id, c.session_id, c.speaker_id, c.language_hint) for c in chunks} == {("t", "s", "p", "en")}
    assert result.stdout == f"{chunks[0].stream_id}\t5\t1000\n"


def test_several_files_are_a_stream_each(
    call: Call, sound: Callable[[str], Path], sent: Callable[[], list[AudioChunk]]
) -> None:
    call("topics", "apply")
    result = call("send", str(sound("a.wav")), str(sound("b.wav")), *WHO)
    streams = {line.split("\t")[0] for line in result.stdout.splitlines()}
    assert len(streams) == 2
    assert {chunk.stream_id for chunk in sent()} == streams


def test_several_files_with_a_stream_id_play_one_after_the_other(
    call: Call, sound: Callable[[str], Path], sent: Callable[[], list[AudioChunk]]
) -> None:
    call("topics", "apply")
    result = call("send", str(sound("a.wav")), str(sound("b.wav")), *WHO, "--stream", "mine", "--chunk-ms", "400")
    assert result.stdout == "mine\t5\t2000\n"
    chunks = sent()
    assert [chunk.sequence for chunk in chunks] == list(range(6))
    assert [chunk.end_of_stream for chunk in chunks] == [False] * 5 + [True]


def test_a_file_without_audio_is_told_in_one_line(call: Call, tmp_path: Path) -> None:
    call("topics", "apply")
    (tmp_path / "a.wav").write_bytes(b"no sound at all")
    result = call("send", str(tmp_path / "a.wav"), *WHO)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "a.wav" in line


def test_an_id_that_breaks_the_contract_is_told_in_one_line(call: Call, sound: Callable[[str], Path]) -> None:
    call("topics", "apply")
    result = call("send", str(sound("a.wav")), "--session", "s", "--speaker", "x" * 200, "--speed", "0")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "speaker_id has 200 characters" in line


def test_sending_before_the_topics_exist_says_what_to_do(call: Call, sound: Callable[[str], Path]) -> None:
    result = call("send", str(sound("a.wav")), *WHO)
    assert result.exit_code == 2
    assert "`moderation topics apply`" in result.stderr
