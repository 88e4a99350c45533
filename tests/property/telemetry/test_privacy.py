"""Whatever is logged, content does not pass and lines stay lines."""

import json

from hypothesis import given
from hypothesis import strategies as st

from moderation.telemetry.privacy import CONTENT_KEYS, MAX_TEXT_CHARACTERS, harmless, harmless_text, keep_content_out

MARK = "\N{SNOWMAN}said"


class _Marked:
    def __repr__(self) -> str:
        return MARK


marked = st.sampled_from([MARK.encode(), _Marked(), ValueError(MARK), {"text": MARK}, {"WORDS": [MARK]}])
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
nested = st.recursive(
    plain | marked,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


@given(nested, st.sampled_from(sorted(CONTENT_KEYS)))
def test_marked_content_never_passes_and_everything_can_be_written_as_json(value, key):
    event = keep_content_out(None, "info", {"event": "e", "value": value, key: MARK})
    assert MARK not in json.dumps(event, ensure_ascii=False)


@given(st.text())
def test_text_stays_on_one_line_and_bounded(text):
    logged = harmless_text(text)
    assert len(logged.splitlines()) <= 1
    assert logged.isprintable()
    # An unprintable character becomes at most ten (\\U0001F468).
    assert len(logged) <= 10 * MAX_TEXT_CHARACTERS + 3


@given(st.text(alphabet=st.characters(categories=["L", "N", "P"]), max_size=MAX_TEXT_CHARACTERS))
def test_ordinary_ids_pass_unchanged(text):
    assert harmless(text) == text
