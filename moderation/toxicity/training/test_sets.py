"""Readers of the test sets: measured with, never trained on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from moderation.toxicity.training.corpora import edos_test_texts, read_table
from moderation.toxicity.training.speech_style import cleaned


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSet:
    """Texts with binary truths per task. A task's truth is None for a text whose label is absent.

    `tasks` maps a task to (the model label that should rank it, truths). A label of "any" stands for the highest of
    all labels.
    """

    __test__ = False

    name: str
    texts: list[str]
    tasks: Mapping[str, tuple[str, list[bool | None]]]


def test_sets(data: Path) -> list[TestSet]:
    """The labelled sets under `data`/test that a ranking can be measured on."""
    test = data / "test"
    return [_wiki(test), _ethos(test), _ethos_multi(test), _openai(test), _swad(test), _jigsaw(test)]


test_sets.__test__ = False  # type: ignore[attr-defined]


def game_turns(data: Path) -> list[str]:
    """Turns of a spoken role-playing game: violent words in play, no labels."""
    files = sorted((data / "test/crd3_dnd_transcripts").glob("*.csv"))
    return [row["text"] for file in files for row in read_table(file)]


def identity_phrases(data: Path) -> list[tuple[str, bool]]:
    """Generated sentences that mention identities, with whether they are toxic."""
    rows = read_table(data / "test/identity_templates/en_sentence_templates.csv")
    return [(row["phrase"], row["toxicity"] == "toxic") for row in rows]


def all_test_texts(data: Path) -> list[str]:
    """Every text that may not be trained on, as published."""
    texts = [text for test_set in test_sets(data) for text in test_set.texts]
    return [*texts, *game_turns(data), *(phrase for phrase, _ in identity_phrases(data)), *edos_test_texts(data)]


def _wiki(test: Path) -> TestSet:
    rows = read_table(test / "wiki_toxicity_eval/toxicity_nonfuzzed_testset.csv")
    truths: list[bool | None] = [row["toxic"] == "True" for row in rows]
    texts = [row["comment"] for row in rows]
    return TestSet(name="wiki_toxicity_eval", texts=texts, tasks={"toxic": ("toxicity", truths)})


def _ethos(test: Path) -> TestSet:
    rows = read_table(test / "ethos/Ethos_Dataset_Binary.csv", ";")
    truths: list[bool | None] = [float(row["isHate"]) >= 0.5 for row in rows]
    return TestSet(
        name="ethos",
        texts=[row["comment"] for row in rows],
        tasks={"hate": ("identity_attack", truths), "hate_by_toxicity": ("toxicity", truths)},
    )


def _ethos_multi(test: Path) -> TestSet:
    rows = read_table(test / "ethos/Ethos_Dataset_Multi_Label.csv", ";")
    truths: list[bool | None] = [float(row["violence"]) >= 0.5 for row in rows]
    texts = [row["comment"] for row in rows]
    return TestSet(name="ethos_multi", texts=texts, tasks={"violence": ("threat", truths)})


def _openai(test: Path) -> TestSet:
    lines = (test / "openai_moderation_eval/samples_without_S3.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    wanted = {"S": "sexual_explicit", "H": "identity_attack", "V": "threat", "HR": "toxicity"}
    tasks: dict[str, tuple[str, list[bool | None]]] = {
        key: (label, [None if key not in row else bool(row[key]) for row in rows]) for key, label in wanted.items()
    }
    flags = ("S", "H", "V", "HR", "SH", "H2", "V2")
    tasks["any"] = ("any", [any(row.get(flag) for flag in flags) for row in rows])
    return TestSet(name="openai_moderation_eval", texts=[row["prompt"] for row in rows], tasks=tasks)


def _swad(test: Path) -> TestSet:
    lines = (test / "swad_swearing/SWAD_v2.tsv").read_text(encoding="utf-8").splitlines()
    rows = [parts for parts in (line.split("\t") for line in lines) if len(parts) >= 3]
    truths: list[bool | None] = [parts[2].strip() == "Yes" for parts in rows]
    texts = [cleaned(parts[1]) for parts in rows]
    return TestSet(name="swad_swearing", texts=texts, tasks={"abusive": ("insult", truths)})


def _jigsaw(test: Path) -> TestSet:
    rows = read_table(test / "jigsaw_ibm/ibm_max_test_examples.csv")
    truths: list[bool | None] = [row["toxic"] == "1" for row in rows]
    texts = [row["comment_text"] for row in rows]
    return TestSet(name="jigsaw_ibm", texts=texts, tasks={"toxic": ("toxicity", truths)})
