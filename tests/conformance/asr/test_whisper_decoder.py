"""Our decoder against CTranslate2's, on the same encodings; and our short encodings against full windows."""

import numpy as np
import pytest

from moderation.asr.engine import Samples
from moderation.asr.whisper import encoder, onnx_session
from moderation.asr.whisper.model import Decoding, Encoding, Search, WhisperModel
from moderation.asr.whisper.quality import Attempt
from moderation.asr.whisper.window import POSITIONS_PER_S, heard_positions
from moderation.demo.words import normalise
from moderation.models.store import ModelStore

RATE_HZ = 16_000
GREEDY = Search(beam=1)


def load(store: ModelStore, name: str, decoder: str) -> WhisperModel:
    return WhisperModel(
        store.require(f"whisper:{name}"), device="cpu", compute_type="int8", threads=1, workers=1, decoder=decoder
    )


@pytest.fixture(scope="module", params=["tiny.en", "base"])
def models(request: pytest.FixtureRequest, store: ModelStore) -> tuple[WhisperModel, WhisperModel]:
    return load(store, request.param, "onnxruntime"), load(store, request.param, "ctranslate2")


def decode(model: WhisperModel, encoding: Encoding, search: Search = GREEDY) -> Attempt:
    return model.generate([Decoding(encoding=encoding, language="en", search=search)])[0]


def test_the_same_encoding_gives_the_same_text_and_scores(
    models: tuple[WhisperModel, WhisperModel], english: Samples
) -> None:
    ours, theirs = models
    encoding = theirs.encode(english, 30)
    told, expected = decode(ours, encoding), decode(theirs, encoding)
    assert told.text == expected.text
    assert told.average_log_probability == pytest.approx(expected.average_log_probability, abs=0.05)
    assert told.no_speech_probability == pytest.approx(expected.no_speech_probability, abs=0.05)


def test_a_wider_search_finds_the_same_where_the_decoder_is_sure_and_what_is_more_probable_in_noise(
    models: tuple[WhisperModel, WhisperModel], english: Samples
) -> None:
    ours, _ = models
    noise = np.random.default_rng(3).standard_normal(len(english)).astype(np.float32) * 0.15
    sure, unsure = (
        [decode(ours, ours.encode_for(heard, GREEDY), Search(beam=beam)) for beam in (1, 4)]
        for heard in (english, english + noise)
    )
    assert sure[0].text == sure[1].text
    assert unsure[0].average_log_probability < unsure[1].average_log_probability - 0.03


def test_silence_that_is_only_thought_of_is_as_good_as_silence(
    models: tuple[WhisperModel, WhisperModel], english: Samples
) -> None:
    ours, _ = models
    short, full = ours.encode_for(english, GREEDY), ours.encode(english, 30)
    assert short.output.shape[1] < full.output.shape[1] / 2
    assert np.exp(short.counts).sum() == pytest.approx(full.output.shape[1])
    assert normalise(decode(ours, short).text) == normalise(decode(ours, full).text)


def test_places_of_silence_bring_an_encoding_nearer_to_that_of_a_full_window(
    models: tuple[WhisperModel, WhisperModel], english: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = models
    heard = heard_positions(len(english))
    full = theirs.encode(english, 30).output[:, :heard]

    def apart() -> float:
        return float(np.linalg.norm(ours.encode_for(english, GREEDY).output[:, :heard] - full) / np.linalg.norm(full))

    with_silence = apart()
    nowhere = np.empty(0, dtype=np.int64)
    monkeypatch.setattr(encoder, "places_of_silence", lambda _: (nowhere, nowhere))
    assert with_silence < 0.95 * apart()


def test_words_are_said_when_the_other_decoder_hears_them(
    models: tuple[WhisperModel, WhisperModel], english: Samples
) -> None:
    ours, theirs = models
    encoding = theirs.encode(english, 30)
    told, expected = (
        model.align(attempt, encoding, "en", model.split(attempt.tokens), 1_000)
        for model, attempt in ((ours, decode(ours, encoding)), (theirs, decode(theirs, encoding)))
    )
    assert [word.text for word in told] == [word.text for word in expected]
    apart = [abs(ours.start_ms - theirs.start_ms) for ours, theirs in zip(told, expected, strict=True)]
    assert np.median(apart) <= 20
    assert max(apart) <= 200


def test_words_that_are_left_out_leave_the_others_where_they_are(
    models: tuple[WhisperModel, WhisperModel], english: Samples
) -> None:
    ours, _ = models
    encoding = ours.encode_for(english, GREEDY)
    attempt = decode(ours, encoding)
    words = ours.split(attempt.tokens)
    whole = ours.align(attempt, encoding, "en", words, 0)
    part = ours.align(attempt, encoding, "en", words[:2] + words[4:], 0)
    assert [word.text for word in part] == [word.text for word in whole[:2] + whole[4:]]
    assert [word.confidence for word in part] == [word.confidence for word in whole[:2] + whole[4:]]
    assert part[-1].start_ms == pytest.approx(whole[-1].start_ms, abs=100)


def test_a_token_is_never_one_that_is_not_in_the_vocabulary(store: ModelStore) -> None:
    """Logits that were only there to fill up the last block were chosen where all others were negative."""
    model = load(store, "tiny.en", "onnxruntime")
    rng = np.random.default_rng(2)
    for loudness in (0.001, 0.1, 1.0):
        noise = (rng.standard_normal(RATE_HZ // 2) * loudness).clip(-1, 1).astype(np.float32)
        decode(model, model.encode_for(noise, GREEDY))


def test_sampling_is_left_to_ctranslate2(store: ModelStore, english: Samples) -> None:
    model = load(store, "tiny.en", "onnxruntime")
    sampling = Search(beam=1, temperature=0.2)
    attempt = decode(model, model.encode(english, 30), sampling)
    assert attempt.spoken is None
    assert "park" in attempt.text
    assert model.encode_for(english, sampling).output.shape[1] == 10 * POSITIONS_PER_S


def test_a_processor_on_which_sums_do_not_fit_hears_the_same(
    store: ModelStore, english: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = load(store, "tiny.en", "onnxruntime")
    monkeypatch.setattr(onnx_session, "_sums_fit", lambda: False)
    other = load(store, "tiny.en", "onnxruntime")
    told, expected = (decode(model, model.encode_for(english, GREEDY)).text for model in (other, usual))
    assert normalise(told) == normalise(expected)
