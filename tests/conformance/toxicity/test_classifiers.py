"""One suite for every toxicity back-end."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from moderation.toxicity.classifier import LABELS, ToxicityClassifier

TEXTS = (
    "hello there my friend",
    "you are a stupid idiot",
    "kill the boss",
    "hello",
    "",
    "Did you see the game last night? It was great, really great, and then we went home at nine.",
    "d\u00e9j\u00e0 vu, \u65e5\u672c\u8a9e, \U0001f600 \u0430\u0431\u0432",
)

NEIGHBOURS = tuple(f"{word}{' are you a friend' * count}" for count in range(8) for word in ("hello", "idiot", "boss"))
"""Three texts of each length: an odd batch of odd and even lengths."""

HOSTILE = (
    "\ud83d alone",  # half of a surrogate pair
    "a\x00b\x1bc",
    "\u202eright to left\u202c",
    "e" + "\u0301" * 300,
    "\ufffd\ufeff\u200b",
    "[CLS] [SEP] [MASK] [PAD]",
    "\U000e0041\U0010ffff",
)


class ClassifierConformance:
    """What `ToxicityClassifier` promises."""

    @pytest.fixture
    def classifier(self, request: pytest.FixtureRequest) -> ToxicityClassifier:
        found: ToxicityClassifier = request.getfixturevalue(self.backend)
        return found

    backend = ""

    def test_labels_are_a_subset_of_the_known_ones_in_their_order(self, classifier: ToxicityClassifier) -> None:
        assert classifier.labels
        assert classifier.labels == tuple(label for label in LABELS if label in classifier.labels)

    def test_it_states_its_source_and_languages(self, classifier: ToxicityClassifier) -> None:
        identifier, _, version = classifier.source.partition("@")
        assert identifier
        assert version
        assert "en" in classifier.languages

    def test_every_text_gets_every_label_and_nothing_else_within_0_and_1(self, classifier: ToxicityClassifier) -> None:
        scores = classifier.score(TEXTS)
        assert [tuple(row) for row in scores] == [classifier.labels] * len(TEXTS)
        assert all(0.0 <= value <= 1.0 for row in scores for value in row.values())
        assert all(isinstance(value, float) for row in scores for value in row.values())

    def test_different_texts_get_different_scores(self, classifier: ToxicityClassifier) -> None:
        assert len({row["toxicity"] for row in classifier.score(TEXTS)}) >= len(TEXTS) - 1

    def test_no_texts_get_no_scores(self, classifier: ToxicityClassifier) -> None:
        assert classifier.score([]) == []

    @pytest.mark.parametrize("text", ["", " ", "\n\t "])
    def test_empty_text_scores_zero(self, classifier: ToxicityClassifier, text: str) -> None:
        assert classifier.score([text]) == [dict.fromkeys(classifier.labels, 0.0)]

    def test_a_text_scores_the_same_whatever_its_neighbours(self, classifier: ToxicityClassifier) -> None:
        texts = [*TEXTS, *TEXTS[::-1], *NEIGHBOURS]
        assert classifier.score(texts) == [classifier.score([text])[0] for text in texts]

    def test_long_text_keeps_the_highest_score_of_its_windows(self, classifier: ToxicityClassifier) -> None:
        calm, worst = "hello my friend " * 60, "kill the stupid boss"
        scored = classifier.score([calm + worst + " " + calm, calm])
        assert scored[0] != pytest.approx(scored[1], abs=1e-6)
        assert all(scored[0][label] >= scored[1][label] - 1e-3 for label in ("toxicity",))

    def test_very_long_text_and_very_long_words_are_scored(self, classifier: ToxicityClassifier) -> None:
        for row in classifier.score(["you are " * 3000, "x" * 5000, "\U0001f600" * 2000]):
            assert all(0.0 <= value <= 1.0 for value in row.values())

    @pytest.mark.parametrize("text", HOSTILE)
    def test_odd_characters_are_scored(self, classifier: ToxicityClassifier, text: str) -> None:
        (row,) = classifier.score([text])
        assert all(0.0 <= value <= 1.0 for value in row.values())

    def test_threads_share_it(self, classifier: ToxicityClassifier) -> None:
        expected = classifier.score(TEXTS)
        with ThreadPoolExecutor(4) as pool:
            assert all(scores == expected for scores in pool.map(classifier.score, [TEXTS] * 12))


class TestCompactInInt8(ClassifierConformance):
    backend = "compact_int8"

    def test_it_has_all_seven_labels(self, classifier: ToxicityClassifier) -> None:
        assert classifier.labels == LABELS


class TestCompactInFloat32(ClassifierConformance):
    backend = "compact_float32"

    def test_it_has_all_seven_labels(self, classifier: ToxicityClassifier) -> None:
        assert classifier.labels == LABELS


class TestCompactThroughDetoxify(ClassifierConformance):
    backend = "compact_detoxify"


class TestIdentityMentionsThroughDetoxify(ClassifierConformance):
    backend = "random_detoxify"

    def test_identity_mentions_are_not_exposed(self, classifier: ToxicityClassifier) -> None:
        assert classifier.labels == LABELS


class TestIdentityMentionsInFloat32(ClassifierConformance):
    backend = "random_float32"

    def test_identity_mentions_are_not_exposed(self, classifier: ToxicityClassifier) -> None:
        assert classifier.labels == LABELS


class TestIdentityMentionsInInt8(ClassifierConformance):
    backend = "random_int8"


PARITY = 1e-4
"""Largest difference of a score between two forms of the same weights in float32."""

INT8_PARITY = 0.03
"""Largest difference of a score of the shipped model in int8 from Detoxify's on these texts."""

LONG = "well i said hello to my friend and then " * 30


@pytest.mark.parametrize(
    ("ours", "reference", "tolerance"),
    [
        ("compact_float32", "compact_detoxify", PARITY),
        ("compact_int8", "compact_detoxify", INT8_PARITY),
        ("random_float32", "random_detoxify", PARITY),
    ],
)
def test_onnx_and_detoxify_agree(request: pytest.FixtureRequest, ours: str, reference: str, tolerance: float) -> None:
    one, other = (request.getfixturevalue(name) for name in (ours, reference))
    texts = [*TEXTS, *NEIGHBOURS, LONG]
    for text, scores, expected in zip(texts, one.score(texts), other.score(texts), strict=True):
        assert scores == pytest.approx(expected, abs=tolerance), text[:30]
