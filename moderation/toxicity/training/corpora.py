"""Readers of the licensed training sets; what each of their labels is taken to mean.

Where a set says little about most labels, `annotations.py` knows many of its rows by the rules of LABELS.md.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from moderation.errors import ConfigurationError
from moderation.toxicity.training.annotations import annotations
from moderation.toxicity.training.rows import Row, benign, labelled
from moderation.toxicity.training.speech_style import cleaned

WINDOW_WORDS = 44
"""Longer texts are cut to their first words: utterances are short, and labels of long comments fit parts badly."""

_MOST_PARTS = 3
_LEAST_PART_WORDS = 6

HELD_OUT_CONVERSATIONS = 5
"""Every fifth Switchboard conversation is left for measuring false alarms."""

_JIGSAW_NAMES = {
    "toxicity": "toxic",
    "severe_toxicity": "severe_toxic",
    "obscene": "obscene",
    "threat": "threat",
    "insult": "insult",
    "identity_attack": "identity_hate",
}


def training_rows(data: Path) -> Iterator[Row]:
    """Every row of every set under `data`/train that the model learns from, set by set.

    Raises:
        ConfigurationError: a set is missing.
    """
    train = data / "train"
    for read in (
        _civil,
        _edos,
        _jigsaw,
        _davidson,
        _misogyny,
        _stormfront,
        _identity_negatives,
        _wikipedia_talk,
        _coffee,
    ):
        yield from read(train)
    yield from (benign("switchboard_sample", text) for text in switchboard(data, held_out=False))


def switchboard(data: Path, *, held_out: bool) -> list[str]:
    """Turns of benign telephone talk of the conversations used for training, or of those that are not."""
    rows = read_table(data / "train/switchboard_sample/switchboard_transcript_DERIVED.csv")
    return [r["text"] for r in rows if (int(r["conversation"]) % HELD_OUT_CONVERSATIONS == 0) == held_out]


def edos_test_texts(data: Path) -> list[str]:
    """The test split of EDOS, which lies in a file of train/ but may not be trained on."""
    rows = read_table(data / "train/edos/edos_labelled_aggregated.csv")
    return [row["text"] for row in rows if row["split"] == "test"]


def read_table(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """All rows of a delimited file with a heading.

    Raises:
        ConfigurationError: there is no such file.
    """
    csv.field_size_limit(10_000_000)
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as handle:
            return list(csv.DictReader(handle, delimiter=delimiter))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path} is missing: give --data the folder that holds train/ and test/") from error


def _cut(text: str, words: int = WINDOW_WORDS) -> str:
    return " ".join(cleaned(text).split()[:words])


def _harmless_part(text: str) -> str:
    """The first 8 to 44 words, as the text's length has it: every part of a harmless text is harmless."""
    return _cut(text, 8 + len(text) % (WINDOW_WORDS - 7))


def _civil(train: Path) -> Iterator[Row]:
    """Comments that most raters called toxic, with the fraction of raters per type; threat is noisy in this set."""
    folder = train / "toxic_spans_civil"
    fractions = {row["comment_id"]: row for row in read_table(folder / "comment_type_fractions_DERIVED.csv")}
    trust = {"toxicity": 1.0, "insult": 0.7, "obscene": 0.7, "identity_attack": 0.7, "threat": 0.3}
    for comment in read_table(folder / "comments.csv"):
        parts = fractions.get(comment["comment_id"])
        if parts is None:
            continue
        targets = {label: float(parts[f"frac_{label}"]) for label in trust if label != "toxicity"}
        targets["toxicity"] = 0.5 + 0.5 * float(parts["frac_any_span"])
        yield labelled("toxic_spans_civil", _cut(comment["comment_text"]), targets, trust)


def _edos(train: Path) -> Iterator[Row]:
    """Sexism by category. "Not sexist" says only that it is no attack on women: a weak negative for identity_attack."""
    by_vector: dict[str, dict[str, float]] = {
        "1.1": {"toxicity": 1.0, "identity_attack": 0.7, "threat": 1.0},
        "1.2": {"toxicity": 1.0, "identity_attack": 0.8, "threat": 0.6},
        "2.1": {"toxicity": 0.9, "identity_attack": 0.9, "insult": 0.6, "threat": 0.0},
        "2.2": {"toxicity": 1.0, "identity_attack": 0.9, "insult": 0.9, "threat": 0.0},
        "2.3": {"toxicity": 0.9, "identity_attack": 0.7, "sexual_explicit": 0.6, "threat": 0.0},
        "3.1": {"toxicity": 0.9, "identity_attack": 0.5, "insult": 0.8, "obscene": 0.6, "threat": 0.0},
        "4.1": {"toxicity": 0.9, "identity_attack": 0.7},
        "4.2": {"toxicity": 0.7, "identity_attack": 0.7, "threat": 0.0},
    }
    mild = {"toxicity": 0.7, "identity_attack": 0.7, "threat": 0.0}
    known = annotations("edos")
    for row in read_table(train / "edos/edos_labelled_aggregated.csv"):
        if row["split"] == "test":
            continue
        text = _cut(row["text"].replace("[USER]", " ").replace("[URL]", " "))
        if row["rewire_id"] in known:
            yield labelled("edos", text, known[row["rewire_id"]])
        elif row["label_sexist"] == "sexist":
            yield labelled("edos", text, by_vector.get(row["label_vector"][:3], mild), 0.7)
        else:
            yield labelled("edos", text, {"identity_attack": 0.0, "threat": 0.0}, 0.3)


def _jigsaw(train: Path) -> Iterator[Row]:
    """Wikipedia comments with six labels. Which part of a long toxic one is toxic, the annotations of its parts say."""
    known = annotations("jigsaw")
    for file in ("hieu_head_2000", "hieu_older_commit_2500", "detoxify_dummy_train"):
        for number, row in enumerate(read_table(train / f"jigsaw_fragments/{file}.csv")):
            targets = {label: float(row[name]) for label, name in _JIGSAW_NAMES.items()}
            if not any(targets.values()):
                yield benign("jigsaw_fragments", _harmless_part(row["comment_text"]))
                continue
            parts = _parts(row["comment_text"])
            if len(parts) == 1:
                yield labelled("jigsaw_fragments", parts[0], targets, 1.5)
                continue
            for at, part in enumerate(parts):
                if (row_id := f"{file}:{number}:{at}") in known:
                    yield labelled("jigsaw_fragments", part, known[row_id])


def _parts(text: str) -> list[str]:
    """The first pieces of WINDOW_WORDS words; what is left over of a few words is none."""
    words = cleaned(text).split()
    starts = range(0, min(len(words), _MOST_PARTS * WINDOW_WORDS), WINDOW_WORDS)
    return [" ".join(words[at : at + WINDOW_WORDS]) for at in starts if not at or len(words) - at >= _LEAST_PART_WORDS]


def _davidson(train: Path) -> Iterator[Row]:
    """Tweets: hate, offensive, neither. Much that raters called offensive is dialect, so class 1 weighs little."""
    known = annotations("davidson")
    for row in read_table(train / "davidson_hate_offensive/labeled_data.csv"):
        text = _cut(row["tweet"])
        raters = float(row["count"])
        hate, offensive = float(row["hate_speech"]) / raters, float(row["offensive_language"]) / raters
        if row[""] in known:
            yield labelled("davidson_hate_offensive", text, known[row[""]])
        elif row["class"] == "2":
            yield benign("davidson_hate_offensive", text, 0.8)
        elif row["class"] == "0":
            targets = {"toxicity": hate + offensive, "identity_attack": hate}
            yield labelled("davidson_hate_offensive", text, targets)
        else:
            targets = {"toxicity": 0.7 * (hate + offensive), "obscene": 0.9 * offensive, "identity_attack": 0.7 * hate}
            yield labelled("davidson_hate_offensive", text, targets, 0.2)


def _misogyny(train: Path) -> Iterator[Row]:
    known = annotations("misogyny")
    for number, row in enumerate(read_table(train / "online_misogyny/final_labels_no_author.csv")):
        text = _cut(row["body"])
        if str(number) in known:
            yield labelled("online_misogyny", text, known[str(number)])
        elif row["level_1"] == "Misogynistic":
            targets = {"toxicity": 0.9, "identity_attack": 0.6}
            yield labelled("online_misogyny", text, targets, 0.6)
        else:
            yield labelled("online_misogyny", text, {"identity_attack": 0.0}, 0.3)


def _stormfront(train: Path) -> Iterator[Row]:
    """Sentences of a forum of white supremacists. Its labels know hatred alone: only annotated rows are used."""
    known = annotations("stormfront")
    for row in read_table(train / "stormfront_sentences/stormfront_flat_DERIVED.csv"):
        if row["file_id"] in known:
            yield labelled("stormfront_sentences", _cut(row["text"]), known[row["file_id"]])


def _identity_negatives(train: Path) -> Iterator[Row]:
    for row in read_table(train / "wiki_identity_negatives/toxicity_debiasing_data.tsv", "\t"):
        yield benign("wiki_identity_negatives", _harmless_part(row["comment"]), 0.5)


def _wikipedia_talk(train: Path) -> Iterator[Row]:
    for row in read_table(train / "wikipedia_talk/gn.csv"):
        if row["label"] == "1":
            yield labelled("wikipedia_talk", _cut(row["text"]), {"toxicity": 1.0})
        else:
            yield benign("wikipedia_talk", _harmless_part(row["text"]))


def _coffee(train: Path) -> Iterator[Row]:
    for row in read_table(train / "taskmaster4_coffee/tm4_data_07_utterances_DERIVED.csv"):
        yield benign("taskmaster4_coffee", row["text"])
