import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest

from loadtest.faults.options import FaultCounts, FaultOptions
from loadtest.faults.poison import HEADER, make_poison
from loadtest.faults.script import StreamScript, write_scripts
from loadtest.sounds import RATES_HZ, Sounds, load_sounds
from moderation.contracts.codecs import load_codecs
from moderation.errors import InvalidMessage
from moderation.events import AudioEncoding
from moderation.settings import Settings

BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def sounds() -> dict[AudioEncoding, Sounds]:
    return load_sounds()


@pytest.fixture(scope="module")
def scripts(sounds: dict[AudioEncoding, Sounds]) -> list[StreamScript]:
    return written(sounds)


def written(sounds: dict[AudioEncoding, Sounds], seed: int = 1) -> list[StreamScript]:
    options = FaultOptions(counts=FaultCounts(), seconds=60.0, streams=24, workers=2, seed=seed, folder=Path("unused"))
    return write_scripts(options, sounds, prefix="run", rng=random.Random(seed))


def test_all_encodings_have_the_same_clips_of_the_same_length(sounds: dict[AudioEncoding, Sounds]) -> None:
    lengths = {kind: [len(clip.packets) for clip in item.clips] for kind, item in sounds.items()}
    assert all(one == lengths[AudioEncoding.OPUS] for one in lengths.values())


def test_mu_law_frames_decode_to_about_the_samples_that_pcm_has(sounds: dict[AudioEncoding, Sounds]) -> None:
    coded = b"".join(sounds[AudioEncoding.MULAW].clips[0].packets)
    decoder = av.CodecContext.create("pcm_mulaw", "r")
    decoder.sample_rate, decoder.layout = 8_000, "mono"
    decoded = np.concatenate([f.to_ndarray().ravel() for f in decoder.decode(av.Packet(coded))]).astype(float)
    pcm = np.frombuffer(b"".join(sounds[AudioEncoding.PCM_S16LE].clips[0].packets), "<i2")[::2].astype(float)
    assert np.corrcoef(decoded[: len(pcm)], pcm[: len(decoded)])[0, 1] > 0.9


def test_every_chunk_can_be_encoded_and_its_instants_lie_on_a_grid(scripts: list[StreamScript]) -> None:
    codec = load_codecs(Settings()).audio_chunks
    for script in scripts[:8]:
        chunks = [script.chunk(number, BEGAN_AT) for number in range(3)]
        assert [codec.decode(codec.encode(chunk)).sequence for chunk in chunks] == [0, 1, 2]
        assert chunks[2].captured_at - chunks[1].captured_at == timedelta(milliseconds=200)


def test_streams_differ_in_encoding_hint_length_and_in_how_they_end(scripts: list[StreamScript]) -> None:
    assert {script.encoding for script in scripts} == set(RATES_HZ)
    assert {script.language_hint for script in scripts} == {"en", "ko", None}
    pairs = {(script.encoding, script.language_hint) for script in scripts}
    assert len(pairs) >= 10
    long = [script for script in scripts if script.due_s(script.chunks - 1) - script.start_s > 59]
    assert 12 <= len(long) < len(scripts)
    assert {script.is_ended for script in long} == {True, False}
    assert all(script.due_s(script.chunks - 1) <= 60.5 for script in scripts)


def test_the_last_chunk_and_no_other_ends_a_stream(scripts: list[StreamScript]) -> None:
    script = next(item for item in scripts if item.is_ended)
    assert script.chunk(script.chunks - 1, BEGAN_AT).end_of_stream
    assert not script.chunk(script.chunks - 2, BEGAN_AT).end_of_stream


def test_the_same_seed_gives_the_same_streams(sounds: dict[AudioEncoding, Sounds]) -> None:
    assert written(sounds, 5) == written(sounds, 5)
    assert written(sounds, 5) != written(sounds, 6)


def test_poison_is_marked_and_no_kind_of_it_is_a_sound_message_under_its_key(scripts: list[StreamScript]) -> None:
    codec = load_codecs(Settings()).audio_chunks
    for number in range(5):
        poison = make_poison(number, scripts, codec, BEGAN_AT)
        assert poison.headers == [(HEADER, str(number).encode())]
        try:
            chunk = codec.decode(poison.value)
        except InvalidMessage:
            continue
        assert poison.key != chunk.stream_id.encode() or chunk.payload == b"\x00\x04\xff\xff\xff\xff"
