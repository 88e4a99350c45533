import itertools
from datetime import timedelta

import numpy as np
import pytest
from support.audio import (
    START,
    chunk,
    conversation,
    encoded_chunks,
    events_of,
    pcm_chunks,
    s16,
    silence,
    take_all,
    utterances_of,
    voiced,
    with_noise,
)

from moderation.audio.intake import StreamIntake
from moderation.audio.utterance import IntakeEvent, Utterance, UtteranceAudio, UtteranceOpened, UtterancePaused
from moderation.audio.vad import SileroVad
from moderation.errors import DeadLetterCode, InvalidMessage, InvariantViolation
from moderation.events import AudioChunk, AudioEncoding
from moderation.settings import AudioSettings

SETTINGS = AudioSettings()
CHUNK = 3_200


def shifted(chunks: list[AudioChunk], *, sequence: int, by: timedelta) -> list[AudioChunk]:
    """The chunks, later and numbered from `sequence`."""
    return [
        chunk(each.payload, sequence + number, captured_at=each.captured_at + by) for number, each in enumerate(chunks)
    ]


def speech(seconds: float = 1.0, before: float = 0.6, after: float = 0.8) -> np.ndarray:
    return with_noise(np.concatenate([silence(before), voiced(seconds), silence(after)]))


def test_speech_becomes_one_utterance_with_its_bounds(vad: SileroVad) -> None:
    (utterance,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), pcm_chunks(speech(), [CHUNK])))
    assert utterance.number == 0
    assert 600 - 512 - 232 <= utterance.start_ms <= 600 - 100
    assert 1_500 <= utterance.speech_end_ms <= 1_700
    assert utterance.end_ms == utterance.speech_end_ms + SETTINGS.padding_ms
    assert 0 <= utterance.decided_ms - utterance.speech_end_ms - SETTINGS.end_silence_ms < 32
    assert len(utterance.samples) == (utterance.end_ms - utterance.start_ms) * 16
    assert utterance.first_sequence == utterance.start_ms // 200
    assert utterance.last_sequence == (utterance.decided_ms * 16 - 1) // CHUNK
    below_ms = timedelta(milliseconds=1)
    assert timedelta(0) <= utterance.started_at - START - timedelta(milliseconds=utterance.start_ms) < below_ms
    assert timedelta(0) <= utterance.ended_at - START - timedelta(milliseconds=utterance.speech_end_ms) < below_ms


def test_an_utterance_holds_the_very_samples_of_the_stream(vad: SileroVad) -> None:
    samples = speech()
    (utterance,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), pcm_chunks(samples, [CHUNK])))
    sent = np.frombuffer(s16(samples), "<i2") / np.float32(32_768)
    start = utterance.start_ms * 16
    found = next(i for i in range(start, start + 16) if np.array_equal(sent[i : i + 4_000], utterance.samples[:4_000]))
    assert np.array_equal(sent[found : found + len(utterance.samples)], utterance.samples)


def test_events_come_as_opening_audio_and_end(vad: SileroVad) -> None:
    events = events_of(take_all(StreamIntake(SETTINGS, vad), pcm_chunks(conversation(3), [CHUNK])))
    numbers = [event.number for event in events]
    assert numbers == sorted(numbers)
    assert max(numbers) == 2
    for number in range(3):
        opened, *grown, ended = [event for event in events if event.number == number]
        assert isinstance(opened, UtteranceOpened)
        assert isinstance(ended, Utterance)
        assert opened.first_sequence == ended.first_sequence
        assert opened.start_ms == ended.start_ms
        assert opened.started_at == ended.started_at
        assert {type(event) for event in grown} <= {UtteranceAudio, UtterancePaused}
        pieces = [event.samples for event in grown if isinstance(event, UtteranceAudio)]
        assert np.array_equal(np.concatenate(pieces)[: len(ended.samples)], ended.samples)
        # A flag's final revision is above any that was told while the utterance grew.
        assert sum(map(len, pieces)) // 16 < ended.decided_ms - ended.start_ms + 1


def test_audio_of_an_open_utterance_arrives_while_it_is_spoken(vad: SileroVad) -> None:
    intake = StreamIntake(SETTINGS, vad)
    heard_ms = 0.0
    for number, each in enumerate(pcm_chunks(with_noise(voiced(4)), [CHUNK])):
        for event in intake.accept(each).events:
            heard_ms += len(event.samples) / 16 if isinstance(event, UtteranceAudio) else 0
        if number >= 4:
            assert heard_ms > number * 200


def test_silence_and_noise_open_nothing(vad: SileroVad) -> None:
    intake = StreamIntake(SETTINGS, vad)
    assert not events_of(take_all(intake, pcm_chunks(with_noise(silence(5), 0.02), [CHUNK])))


def test_speech_shorter_than_the_minimum_opens_nothing(vad: SileroVad) -> None:
    blip = speech(0.3)
    assert utterances_of(take_all(StreamIntake(SETTINGS, vad), pcm_chunks(blip, [CHUNK])))
    strict = AudioSettings(min_speech_ms=700)
    assert not utterances_of(take_all(StreamIntake(strict, vad), pcm_chunks(blip, [CHUNK])))


def test_a_stream_that_begins_with_speech_loses_none_of_it(vad: SileroVad) -> None:
    samples = with_noise(np.concatenate([voiced(1), silence(0.8)]))
    (utterance,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), pcm_chunks(samples, [CHUNK])))
    assert utterance.start_ms == 0
    assert utterance.first_sequence == 0


def test_a_pause_shorter_than_the_end_silence_splits_nothing(vad: SileroVad) -> None:
    samples = with_noise(np.concatenate([silence(0.5), voiced(0.6), silence(0.3), voiced(0.6, seed=1), silence(1)]))
    assert len(utterances_of(take_all(StreamIntake(SETTINGS, vad), pcm_chunks(samples, [CHUNK])))) == 1
    hasty = AudioSettings(end_silence_ms=150)
    assert len(utterances_of(take_all(StreamIntake(hasty, vad), pcm_chunks(samples, [CHUNK])))) == 2


def pauses_of(samples: np.ndarray, vad: SileroVad, chunk_samples: int = CHUNK) -> list[IntakeEvent]:
    """Where speech paused, and the utterances."""
    events = events_of(take_all(StreamIntake(SETTINGS, vad), pcm_chunks(samples, [chunk_samples])))
    return [event for event in events if isinstance(event, (UtterancePaused, Utterance))]


@pytest.mark.parametrize("chunk_samples", [512, 1_000, CHUNK])
def test_a_pause_tells_the_very_utterance_that_ends_if_nothing_follows(vad: SileroVad, chunk_samples: int) -> None:
    told = pauses_of(conversation(3), vad, chunk_samples)
    assert [type(event) for event in told] == [UtterancePaused, Utterance] * 3
    for paused, ended in zip(told[::2], told[1::2], strict=True):
        assert paused.number == ended.number
        assert np.array_equal(paused.samples, ended.samples)


def test_speech_that_goes_on_after_a_pause_makes_an_utterance_of_another_length(vad: SileroVad) -> None:
    samples = np.concatenate([silence(0.5), voiced(0.6), silence(0.35), voiced(0.6, seed=1), silence(1)])
    first, last, ended = pauses_of(with_noise(samples), vad)
    assert isinstance(first, UtterancePaused)
    assert isinstance(last, UtterancePaused)
    assert first.number == last.number == ended.number
    assert len(first.samples) < len(last.samples) == len(ended.samples)


def test_no_pause_is_told_where_the_end_comes_as_soon_as_the_audio(vad: SileroVad) -> None:
    assert [type(event) for event in pauses_of(speech(1.0, 0.3, 0.7), vad, 16_000)] == [Utterance]


def test_padding_is_kept_behind_speech(vad: SileroVad) -> None:
    for padding_ms in (50, 300):
        settings = AudioSettings(padding_ms=padding_ms)
        (utterance,) = utterances_of(take_all(StreamIntake(settings, vad), pcm_chunks(speech(), [CHUNK])))
        assert utterance.end_ms - utterance.speech_end_ms == padding_ms


def test_the_thresholds_are_settings(vad: SileroVad) -> None:
    deaf = AudioSettings(speech_threshold=1.0, silence_threshold=1.0)
    assert not utterances_of(take_all(StreamIntake(deaf, vad), pcm_chunks(speech(), [CHUNK])))


def test_speech_beyond_the_maximum_is_cut_and_goes_on_without_losing_a_sample(vad: SileroVad) -> None:
    settings = AudioSettings(max_utterance_s=3)
    samples = with_noise(np.concatenate([voiced(8), silence(1)]))
    utterances = utterances_of(take_all(StreamIntake(settings, vad), pcm_chunks(samples, [CHUNK])))
    assert len(utterances) == 4
    for utterance in utterances[:-1]:
        assert 0.8 * 3_000 - 1 <= utterance.end_ms - utterance.start_ms <= 0.95 * 3_000 + 1
    for earlier, later in itertools.pairwise(utterances):
        assert later.start_ms == earlier.end_ms
    joined = np.concatenate([utterance.samples for utterance in utterances])
    sent = np.frombuffer(s16(samples), "<i2") / np.float32(32_768)
    assert np.array_equal(joined, sent[: len(joined)])


def test_a_cut_lies_in_the_quietest_place(vad: SileroVad) -> None:
    samples = with_noise(np.concatenate([voiced(2.6), silence(0.2), voiced(2, seed=1), silence(1)]))
    settings = AudioSettings(max_utterance_s=3)
    first, *_ = utterances_of(take_all(StreamIntake(settings, vad), pcm_chunks(samples, [CHUNK])))
    assert 2_600 <= first.end_ms <= 2_800


def test_the_end_of_the_stream_closes_the_open_utterance(vad: SileroVad) -> None:
    intake = StreamIntake(SETTINGS, vad)
    chunks = pcm_chunks(speech(after=0), [CHUNK])
    assert not utterances_of([intake.accept(each) for each in chunks])
    result = intake.finish()
    (utterance,) = utterances_of([result])
    assert utterance.end_ms == utterance.decided_ms == 1_600
    assert utterance.last_sequence == chunks[-1].sequence
    assert result.needed_from_sequence is None
    assert intake.finish().events == ()


def test_a_chunk_that_ends_the_stream_closes_the_open_utterance(vad: SileroVad) -> None:
    for last_payload in (b"", s16(silence(0.02))):
        intake = StreamIntake(SETTINGS, vad)
        for each in pcm_chunks(speech(after=0), [CHUNK]):
            intake.accept(each)
        result = intake.accept(
            chunk(last_payload, 8, end_of_stream=True, captured_at=START + timedelta(milliseconds=1_600))
        )
        assert len(utterances_of([result])) == 1
        assert result.needed_from_sequence is None


def test_a_stream_may_go_on_after_a_pause_that_was_finished(vad: SileroVad) -> None:
    intake = StreamIntake(SETTINGS, vad)
    first = pcm_chunks(speech(), [CHUNK])
    later = shifted(first, sequence=len(first), by=timedelta(seconds=10))
    one, two = utterances_of([*take_all(intake, first), *take_all(intake, later)])
    assert two.number == 1
    assert two.start_ms == one.start_ms + 10_000
    assert np.array_equal(one.samples, two.samples)


def test_a_short_loss_is_spliced_and_moves_the_timeline(vad: SileroVad) -> None:
    chunks = pcm_chunks(speech(2.0), [CHUNK])
    del chunks[6]
    (utterance,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks))
    assert len(utterance.samples) == (utterance.end_ms - utterance.start_ms - 200) * 16
    assert 2_500 <= utterance.speech_end_ms <= 2_700


@pytest.mark.parametrize("is_numbered_on", [True, False])
def test_a_long_loss_closes_the_open_utterance(vad: SileroVad, is_numbered_on: bool) -> None:
    first = pcm_chunks(speech(after=0), [CHUNK])
    second = shifted(first, sequence=len(first) + (0 if is_numbered_on else 15), by=timedelta(seconds=1.6 + 1.1))
    one, two = utterances_of(take_all(StreamIntake(SETTINGS, vad), [*first, *second]))
    assert one.end_ms == 1_600
    assert one.last_sequence == first[-1].sequence
    assert two.start_ms == one.start_ms + 2_700
    assert np.array_equal(one.samples, two.samples)


def test_how_much_loss_is_spliced_is_a_setting(vad: SileroVad) -> None:
    chunks = pcm_chunks(speech(4.0), [CHUNK])
    del chunks[8:15]
    assert len(utterances_of(take_all(StreamIntake(AudioSettings(max_splice_ms=1_300), vad), chunks))) == 2
    assert len(utterances_of(take_all(StreamIntake(AudioSettings(max_splice_ms=1_500), vad), chunks))) == 1


def test_clocks_that_jitter_lose_nothing(vad: SileroVad) -> None:
    steady = pcm_chunks(speech(), [CHUNK])
    jittered = [
        chunk(each.payload, each.sequence, captured_at=each.captured_at + timedelta(milliseconds=(-90, 0, 150)[n % 3]))
        for n, each in enumerate(steady)
    ]
    (one,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), steady))
    (two,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), jittered))
    assert (one.start_ms, one.end_ms) == (two.start_ms, two.end_ms)
    assert np.array_equal(one.samples, two.samples)


def test_a_sequence_that_does_not_ascend_is_a_bug_of_the_caller(vad: SileroVad) -> None:
    intake = StreamIntake(SETTINGS, vad)
    intake.accept(chunk(bytes(640), 5))
    with pytest.raises(InvariantViolation):
        intake.accept(chunk(bytes(640), 5))


@pytest.mark.parametrize("change", [{"encoding": AudioEncoding.ALAW}, {"sample_rate_hz": 8_000}, {"channels": 2}])
def test_a_stream_keeps_its_format(vad: SileroVad, change: dict[str, object]) -> None:
    intake = StreamIntake(SETTINGS, vad)
    intake.accept(chunk(bytes(640), 0))
    with pytest.raises(InvalidMessage) as refusal:
        intake.accept(chunk(bytes(640), 1, **change))
    assert refusal.value.code is DeadLetterCode.FORMAT_CHANGED
    intake.accept(chunk(bytes(640), 2))


@pytest.mark.parametrize("encoding", list(AudioEncoding))
def test_a_refused_chunk_counts_as_lost_audio(vad: SileroVad, encoding: AudioEncoding) -> None:
    chunks = encoded_chunks(speech(2.0), encoding, 16_000)
    bad = chunk(b"\xff\xff\xff", 6, captured_at=chunks[6].captured_at, encoding=encoding)
    if encoding in (AudioEncoding.MULAW, AudioEncoding.ALAW):
        bad = chunk(b"", 6, captured_at=chunks[6].captured_at, encoding=encoding)
    intake = StreamIntake(SETTINGS, vad)
    results = [intake.accept(each) for each in chunks[:6]]
    with pytest.raises(InvalidMessage):
        intake.accept(bad)
    results += take_all(intake, chunks[7:])
    lost = [each for each in chunks if each.sequence != 6]
    (told,) = utterances_of(results)
    (expected,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), lost))
    assert (told.start_ms, told.end_ms) == (expected.start_ms, expected.end_ms)
    # libopus starts anew after a packet that it refused, but not after one that never came.
    tolerance = 0.6 if encoding is AudioEncoding.OPUS else 0.0
    assert np.allclose(told.samples, expected.samples, atol=tolerance)


def test_a_refused_first_chunk_does_not_fix_the_format(vad: SileroVad) -> None:
    intake = StreamIntake(SETTINGS, vad)
    with pytest.raises(InvalidMessage):
        intake.accept(chunk(b"\x00\x05", 0, encoding=AudioEncoding.OPUS))
    assert intake.accept(chunk(bytes(640), 1)).events == ()


def test_chunks_of_silence_are_let_go_behind_a_short_hold(vad: SileroVad) -> None:
    intake = StreamIntake(SETTINGS, vad)
    for each in pcm_chunks(with_noise(silence(10)), [320]):
        needed = intake.accept(each).needed_from_sequence
        assert needed is not None
        assert each.sequence - needed <= (SETTINGS.padding_ms + 512 + 512 + 32 + 1_000) // 20 + 1


def test_no_chunk_is_let_go_that_a_later_utterance_needs(vad: SileroVad) -> None:
    for size in (320, 3_200, 16_000):
        results = take_all(StreamIntake(SETTINGS, vad), pcm_chunks(conversation(5, utterances=5), [size]))
        for step, result in enumerate(results):
            open_or_later = [utterance.first_sequence for utterance in utterances_of(results[step + 1 :])]
            bound = result.needed_from_sequence if result.needed_from_sequence is not None else step + 1
            assert bound <= min(open_or_later, default=step + 1)


def test_needed_from_never_goes_back(vad: SileroVad) -> None:
    results = take_all(StreamIntake(SETTINGS, vad), pcm_chunks(conversation(6, utterances=4), [800]))
    needed = [result.needed_from_sequence for result in results if result.needed_from_sequence is not None]
    assert needed == sorted(needed)


def test_memory_is_bounded_while_nobody_speaks(vad: SileroVad) -> None:
    intake = StreamIntake(SETTINGS, vad)
    for each in pcm_chunks(with_noise(silence(20)), [CHUNK]):
        intake.accept(each)
    assert intake.held_samples <= 24_000


def test_streams_share_the_model_without_disturbing_each_other(vad: SileroVad) -> None:
    streams = [pcm_chunks(conversation(seed), [CHUNK]) for seed in (1, 2)]
    alone = [utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks)) for chunks in streams]
    intakes = [StreamIntake(SETTINGS, vad) for _ in streams]
    together: list[list[Utterance]] = [[], []]
    for step in range(max(map(len, streams))):
        for number, chunks in enumerate(streams):
            if step < len(chunks):
                together[number] += utterances_of([intakes[number].accept(chunks[step])])
    for number, intake in enumerate(intakes):
        together[number] += utterances_of([intake.finish()])
        assert [len(each.samples) for each in together[number]] == [len(each.samples) for each in alone[number]]
        for one, other in zip(together[number], alone[number], strict=True):
            assert np.array_equal(one.samples, other.samples)
