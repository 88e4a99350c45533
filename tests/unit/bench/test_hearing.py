from collections.abc import Sequence

import numpy as np

from moderation.bench.clips import Clip
from moderation.bench.hearing import hear_in_turn
from moderation.bench.vosk import characters


def clip(clip_id: str, text: str | None) -> Clip:
    return Clip(clip_id=clip_id, collection="c", language="en", text=text, samples=np.zeros(16_000, np.float32))


CLIPS = [clip("a", "one two three"), clip("b", "four"), clip("noise", None), clip("hum", None)]


def test_errors_are_counted_in_what_was_said_and_text_in_what_was_not() -> None:
    told: list[str] = []
    ways = {
        "right": lambda clips: [clip.text or "" for clip in clips],
        "wrong": lambda clips: ["one too three", "four five", "", "you"],
    }
    group = hear_in_turn("chat", CLIPS, ways, spell=str.split, runs=1, on_run=told.append)
    assert (group.clips, group.audio_s) == (4, 4.0)
    right, wrong = group.heard["right"], group.heard["wrong"]
    assert (right.error_rate, right.clips_with_text, right.characters) == (0.0, 0, 0)
    assert (wrong.errors, wrong.said, wrong.error_rate) == (2, 4, 0.5)
    assert (wrong.clips_with_text, wrong.characters) == (1, 3)
    assert told[0] == "chat: right, warming up"


def test_every_run_is_judged_and_hears_the_clips_a_little_later_than_the_one_before() -> None:
    begins: list[int] = []

    def worse_each_time(clips: Sequence[Clip]) -> list[str]:
        begins.append(len(clips[0].samples) - 16_000)
        return ["one too three" if len(begins) > 2 else "one two three", "four", "", "you" * len(begins)]

    group = hear_in_turn("chat", CLIPS, {"way": worse_each_time}, spell=str.split, runs=3, on_run=lambda _: None)
    assert begins == [0, 0, 37 * 16, 74 * 16]
    heard = group.heard["way"]
    assert (heard.errors, heard.said) == (2, 12)
    assert (heard.clips_with_text, heard.characters) == (1.0, 9.0)
    assert group.audio_s == 4.0


def test_where_nothing_is_said_there_is_no_error_rate() -> None:
    ways = {"deaf": lambda clips: ["" for _ in clips]}
    group = hear_in_turn("noise", CLIPS[2:], ways, spell=str.split, runs=1, on_run=lambda _: None)
    assert group.heard["deaf"].error_rate is None


def test_characters_are_letters_and_digits() -> None:
    assert characters("Ab, c_1!") == ["a", "b", "c", "1"]
