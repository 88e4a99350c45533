import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from moderation.errors import ConfigurationError
from moderation.toxicity.evaluate import latency_ms, main, read_thresholds
from moderation.toxicity.evaluation.identity_templates import identity_alarms


class Fixed:
    """Scores every text by its length, so that expectations can be worked out by hand."""

    source = "fixed@1"
    labels = ("toxicity", "identity_attack")
    languages = frozenset({"en"})

    def score(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        return [dict.fromkeys(self.labels, len(text) / 100) for text in texts]


def test_latency_is_measured_on_utterances_of_about_twelve_words() -> None:
    assert set(latency_ms(Fixed(), ["one two three four five six seven eight nine ten eleven"] * 5)) == {"p50", "p95"}


def test_false_alarms_are_counted_per_identity_on_harmless_sentences_only() -> None:
    short, long = "Joe is a kind deaf", "Joe is a friendly african american " + "x" * 50
    phrases = [("I am deaf", False), ("I am african american", False), (short, False), (long, False), ("z" * 90, True)]
    found = identity_alarms(Fixed(), phrases, random.Random(1), {"toxicity": 0.5, "identity_attack": 0.5})
    assert found["false_alarms"] == {"african american": 0.5, "deaf": 0.0}
    assert found["false_alarms_mean"] == 0.25
    assert found["auc"] == 1.0


@pytest.mark.parametrize("content", [None, "no json", "[]", '{"model": "x"}', '{"default": {"toxicity": "high"}}'])
def test_a_file_without_thresholds_is_refused_with_what_it_should_be(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "thresholds.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=r'thresholds\.json holds no thresholds.*under "default"'):
        read_thresholds(file)


def test_missing_data_is_an_error_that_says_what_to_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    assert "give --data the folder that holds train/ and test/" in capsys.readouterr().err
