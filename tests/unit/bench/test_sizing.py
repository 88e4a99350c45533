from pathlib import Path

import numpy as np
import pytest

from moderation.bench.clips import Clip
from moderation.bench.sizing import Passed, SizingPlan, clips_for, measure_engines
from moderation.errors import ConfigurationError
from moderation.events import AudioEncoding
from moderation.settings import AsrSettings, Settings


def clip(clip_id: str, language: str, text: str | None = "x") -> Clip:
    return Clip(clip_id=clip_id, collection="c", language=language, text=text, samples=np.zeros(16_000, np.float32))


CLIPS = [clip("a", "en"), clip("b", "en"), clip("c", "ko"), clip("d", "de", text=None)]


@pytest.mark.parametrize(
    ("languages", "told", "heard"),
    [
        ((), "en", ["a", "b"]),
        (("ko",), "ko", ["c"]),
        (("ko", "en"), "en", ["a", "b"]),
        (("de",), "de", ["a", "b"]),
    ],
)
def test_an_engine_hears_a_language_that_it_knows_or_else_what_there_is(
    languages: tuple[str, ...], told: str, heard: list[str]
) -> None:
    chosen = clips_for(languages, CLIPS)
    assert (chosen.language, [each.clip_id for each in chosen.clips]) == (told, heard)


def test_clips_in_which_nobody_speaks_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="nobody speaks"):
        clips_for((), CLIPS[3:])


def test_an_engine_without_its_model_is_named_once_and_passed_over(tmp_path: Path) -> None:
    missing = "vosk:vosk-model-small-en-us-0.15"
    settings = Settings(models_dir=tmp_path, asr=AsrSettings(engines={"en": [missing], "*": [missing]}))
    plan = SizingPlan(clips=CLIPS, encodings=[AudioEncoding.OPUS], seconds=0.1)
    (passed,) = measure_engines(settings, plan, lambda _: None)
    assert isinstance(passed, Passed)
    assert passed.engine == missing
    assert passed.advice == f"moderation models fetch {missing}"


def test_an_engine_that_does_not_exist_is_passed_over_with_the_reason(tmp_path: Path) -> None:
    settings = Settings(models_dir=tmp_path, asr=AsrSettings(engines={"*": ["whisper:nonesuch"]}))
    (passed,) = measure_engines(
        settings, SizingPlan(clips=CLIPS, encodings=[AudioEncoding.OPUS], seconds=0.1), lambda _: None
    )
    assert isinstance(passed, Passed)
    assert "whisper:nonesuch" in passed.reason
