"""What holds for every input of the pure parts of speech recognition."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.asr.recognition import recognition_of
from moderation.asr.vosk.blocks import BLOCK_BYTES, Blocks, pcm16
from moderation.asr.whisper.pieces import pieces
from moderation.asr.whisper.repetition import without_repetitions
from moderation.asr.whisper.window import window_s
from moderation.events import Word

times = st.integers(-1_000, 20_000)
words = st.builds(Word, text=st.text(max_size=5), start_ms=times, end_ms=times, confidence=st.floats(-1, 2))


@settings(deadline=None)
@given(st.lists(st.integers(0, 9_000), max_size=8))
def test_blocks_do_not_depend_on_how_the_audio_arrived(lengths: list[int]) -> None:
    audio = np.linspace(-1, 1, sum(lengths), dtype=np.float32)
    blocks, ready = Blocks(), b""
    for chunk in np.split(audio, np.cumsum(lengths)):
        came = blocks.push(chunk)
        assert len(came) % BLOCK_BYTES == 0
        ready += came
    assert ready + blocks.rest() == pcm16(audio)


@settings(deadline=None)  # allocates megabytes; how long that takes is not the point
@given(st.integers(0, 5_000), st.integers(9, 28))
def test_pieces_joined_are_the_audio_and_none_is_too_long(hundredths: int, longest_s: int) -> None:
    audio = np.sin(np.arange(hundredths * 160, dtype=np.float32))
    cut = pieces(audio, longest_s)
    assert np.array_equal(np.concatenate(cut), audio)
    assert all(len(piece) <= longest_s * 16_000 for piece in cut)


spoken = st.builds(Word, text=st.sampled_from("abc"), start_ms=times, end_ms=times, confidence=st.just(1.0))


@given(st.lists(spoken, max_size=14))
def test_removing_repetitions_keeps_the_order_the_vocabulary_and_finds_no_more(heard: list[Word]) -> None:
    indices = without_repetitions(heard)
    assert indices == sorted(set(indices))
    kept = [heard[index] for index in indices]
    assert {word.text for word in kept} == {word.text for word in heard}
    assert without_repetitions(kept) == list(range(len(kept)))


@given(st.integers(0, 28 * 16_000))
def test_silence_follows_whatever_fits_a_piece(samples: int) -> None:
    assert window_s(samples) * 16_000 >= samples + 2 * 16_000
    assert window_s(samples) % 2 == 0


@given(st.lists(words, max_size=6), st.integers(0, 10_000))
def test_a_recognition_keeps_its_promises_whatever_an_engine_says(said: list[Word], audio_ms: int) -> None:
    made = recognition_of(said, language="en", audio_ms=audio_ms)
    assert made.text == " ".join(word.text for word in made.words)
    assert all(word.text.strip() == word.text != "" for word in made.words)
    assert all(0 <= word.start_ms <= word.end_ms <= audio_ms for word in made.words)
    starts = [word.start_ms for word in made.words]
    assert starts == sorted(starts)
    assert all(0 <= word.confidence <= 1 for word in made.words)
