"""The model in the package: whole, small, documented, and able to tell play from abuse."""

import hashlib
import json
from pathlib import Path

import pytest

from moderation.settings import ToxicitySettings
from moderation.toxicity.classifier import LABELS, ToxicityClassifier
from moderation.toxicity.compact import WEIGHTS_FILE, compact_folder
from moderation.toxicity.evaluate import read_thresholds
from moderation.toxicity.factory import open_classifier
from moderation.toxicity.manifest import ARITHMETICS, read_manifest

LARGEST_BYTES = 25_000_000


@pytest.fixture(scope="module", params=ARITHMETICS)
def classifier(request: pytest.FixtureRequest) -> ToxicityClassifier:
    return open_classifier(ToxicitySettings(arithmetic=request.param))


@pytest.fixture(scope="module")
def thresholds() -> dict[str, float]:
    return read_thresholds(compact_folder() / "thresholds.json")


def test_it_is_small() -> None:
    assert sum(file.stat().st_size for file in compact_folder().iterdir()) <= LARGEST_BYTES


def test_its_weights_are_those_the_manifest_names() -> None:
    weights = compact_folder() / WEIGHTS_FILE
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == read_manifest(compact_folder()).sha256


def test_card_and_thresholds_are_of_this_version(thresholds: dict[str, float]) -> None:
    manifest = read_manifest(compact_folder())
    card = Path(compact_folder() / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith(f"# {manifest.id}, version {manifest.version}\n")
    written = json.loads((compact_folder() / "thresholds.json").read_text(encoding="utf-8"))
    assert written["model"] == manifest.source
    assert tuple(thresholds) == LABELS


@pytest.mark.parametrize(
    "text",
    [
        "okay i can hear you now, let's start",
        "kill the boss and then plant the bomb",
        "shoot him, he's low, he's behind the wall",
        "i'll destroy you on this map",
        "my battery is about to die",
        "my best friend is muslim and she loves this game",
        "as a gay man i really like this character",
        "saying that immigrants are criminals is wrong",
        "Good game everyone, see you tomorrow!",
    ],
)
def test_play_and_mentions_of_groups_are_not_flagged(
    classifier: ToxicityClassifier, thresholds: dict[str, float], text: str
) -> None:
    scores = classifier.score([text])[0]
    assert not {label: score for label, score in scores.items() if score >= thresholds[label]}


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("you are a stupid worthless idiot", {"toxicity", "insult"}),
        ("i know where you live and i am going to kill you", {"toxicity", "threat"}),
        ("shut the fuck up you fucking bitch", {"toxicity", "obscene", "insult"}),
        ("all muslims are vermin and should be deported", {"toxicity", "identity_attack"}),
        ("show me your tits baby", {"sexual_explicit"}),
    ],
)
def test_abuse_is_flagged_with_its_label(
    classifier: ToxicityClassifier, thresholds: dict[str, float], text: str, labels: set[str]
) -> None:
    scores = classifier.score([text])[0]
    assert labels <= {label for label, score in scores.items() if score >= thresholds[label]}


@pytest.mark.parametrize("text", ["You are a stupid, worthless idiot!", "I know where you live. I will kill you!"])
def test_written_and_spoken_style_score_alike(classifier: ToxicityClassifier, text: str) -> None:
    spoken = "".join(c for c in text.lower() if c.isalpha() or c == " ")
    written_score, spoken_score = (row["toxicity"] for row in classifier.score([text, spoken]))
    assert written_score == pytest.approx(spoken_score, abs=0.15)
