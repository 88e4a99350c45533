"""A manifest that contradicts itself is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from moderation.demo.manifest import Clip, Manifest, load_manifest
from moderation.errors import ConfigurationError

VOICE = {"pace": 1.0, "shift": 1.0, "noise_scale": 0.6, "noise_width": 0.8}
SPOKEN: dict[str, Any] = {"id": "one", "voice": "oak", "text": "Hello.", "expect": {"flagged": False}}


def manifest(**changes: Any) -> Manifest:
    values = {"version": 1, "voices": {"oak": VOICE}, "babble": [], "clips": [SPOKEN]}
    return Manifest.model_validate(values | changes)


def test_a_clip_is_found_by_its_id():
    assert manifest().clip("one").text == "Hello."


def test_an_unknown_id_is_an_error_that_says_where_to_look():
    with pytest.raises(ConfigurationError, match=r"manifest\.yaml"):
        manifest().clip("two")


@pytest.mark.parametrize(
    "changes",
    [
        {"clips": [SPOKEN, SPOKEN]},
        {"clips": [SPOKEN | {"voice": "ash"}]},
        {"clips": [SPOKEN | {"overlap": {"clip": "two", "start_s": 0, "level_db": -6}}]},
        {"babble": ["two"]},
        {"clips": [SPOKEN | {"unheard_of": 1}]},
        {"version": 2},
    ],
    ids=["id twice", "unknown voice", "unknown overlap", "unknown babble", "unknown field", "unknown version"],
)
def test_a_contradiction_is_refused(changes):
    with pytest.raises(ValidationError):
        manifest(**changes)


def test_a_clip_is_either_spoken_or_a_sound():
    sound = {"kind": "hum", "level_db": -30, "duration_s": 2}
    for fields in ({**SPOKEN, "sound": sound}, {"id": "two", "expect": {"flagged": False}}, {**SPOKEN, "text": ""}):
        with pytest.raises(ValidationError):
            Clip.model_validate(fields)


def test_what_may_be_found_is_what_must_be_found_and_more():
    expect = load_manifest().clip("listed-shit").expect
    assert expect.required == {"profanity"}
    assert expect.allowed == {"profanity", "toxicity", "obscene"}
