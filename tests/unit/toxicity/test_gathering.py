"""What is trained on: never a text of the test sets, nor a near duplicate of one."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from moderation.errors import ConfigurationError
from moderation.toxicity.classifier import LABELS
from moderation.toxicity.contrast import HELD_OUT_FILLS, HELD_OUT_SEED, load_contrast
from moderation.toxicity.train import gather
from moderation.toxicity.training.annotations import annotations
from moderation.toxicity.training.corpora import switchboard, training_rows
from moderation.toxicity.training.near_duplicates import NearDuplicates

JIGSAW = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
TESTED = "this very sentence lies in one of the sets that we measure with"


def table(path: Path, heading: Sequence[str], *rows: Sequence[object], delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, delimiter=delimiter).writerows([heading, *rows])


def annotated(name: str) -> str:
    """The id of a row of that set that has annotations."""
    return next(iter(annotations(name)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A row or two of every set, in the columns they are published with."""
    train, test = tmp_path / "train", tmp_path / "test"
    kinds = ("any_span", "insult", "obscene", "identity_attack", "threat")
    table(train / "toxic_spans_civil/comments.csv", ("comment_id", "comment_text"), (7, "what a silly clown he is"))
    table(
        train / "toxic_spans_civil/comment_type_fractions_DERIVED.csv",
        ("comment_id", *(f"frac_{kind}" for kind in kinds)),
        (7, 1.0, 0.5, 0.0, 0.0, 0.0),
    )
    edos = ("rewire_id", "text", "label_sexist", "label_category", "label_vector", "split")
    table(
        train / "edos/edos_labelled_aggregated.csv",
        edos,
        ("x-1", "they ought to stay at home", "sexist", "4", "4.2 supporting", "train"),
        ("x-2", "a line of the test split of this set", "sexist", "4", "4.2 supporting", "test"),
        (annotated("edos"), "a text that was annotated by the rules", "not sexist", "none", "none", "train"),
    )
    table(
        train / "stormfront_sentences/stormfront_flat_DERIVED.csv",
        ("file_id", "text", "label"),
        ("no such row", "a sentence that nobody annotated", "noHate"),
        (annotated("stormfront"), "a sentence with annotations", "noHate"),
    )
    for name in ("hieu_head_2000", "hieu_older_commit_2500", "detoxify_dummy_train"):
        rows = (("you absolute clown, go away", 1, 0, 0, 0, 1, 0), (f"well, {TESTED}!", 0, 0, 0, 0, 0, 0))
        table(train / f"jigsaw_fragments/{name}.csv", ("comment_text", *JIGSAW), *rows)
    heading = ("", "count", "hate_speech", "offensive_language", "neither", "class", "tweet")
    tweet = ("no such row", 3, 0, 0, 3, 2, "RT @x: nice weather out here")
    table(train / "davidson_hate_offensive/labeled_data.csv", heading, tweet)
    table(train / "online_misogyny/final_labels_no_author.csv", ("body", "level_1"), ("drink water", "Nonmisogynistic"))
    table(
        train / "wiki_identity_negatives/toxicity_debiasing_data.tsv",
        ("comment", "is_toxic"),
        ("a gay film festival in town", "False"),
        delimiter="\t",
    )
    table(train / "wikipedia_talk/gn.csv", ("text", "label"), ("see the talk page of it", 0))
    table(train / "taskmaster4_coffee/tm4_data_07_utterances_DERIVED.csv", ("text",), ("two mochas please",))
    table(
        train / "switchboard_sample/switchboard_transcript_DERIVED.csv",
        ("conversation", "text"),
        (1, "do you have a pet"),
        (5, "held out for measuring"),
    )
    table(test / "wiki_toxicity_eval/toxicity_nonfuzzed_testset.csv", ("comment", "toxic"), (TESTED, "False"))
    table(test / "ethos/Ethos_Dataset_Binary.csv", ("comment", "isHate"), ("x", 1.0), delimiter=";")
    table(test / "ethos/Ethos_Dataset_Multi_Label.csv", ("comment", "violence"), ("x", 1.0), delimiter=";")
    (test / "openai_moderation_eval").mkdir()
    (test / "openai_moderation_eval/samples_without_S3.jsonl").write_text(json.dumps({"prompt": "x", "S": 1}) + "\n")
    (test / "swad_swearing").mkdir()
    (test / "swad_swearing/SWAD_v2.tsv").write_text("1\t@USER well <b>damn</b>\tNo\n")
    table(test / "jigsaw_ibm/ibm_max_test_examples.csv", ("comment_text", *JIGSAW), ("x", 0, 0, 0, 0, 0, 0))
    table(test / "crd3_dnd_transcripts/a.csv", ("text",), ("i stab the goblin",))
    table(
        test / "identity_templates/en_sentence_templates.csv",
        ("template", "toxicity", "phrase"),
        ("name_adj", "nontoxic", "Joe is a kind deaf"),
    )
    return tmp_path


def test_texts_of_the_test_sets_and_test_splits_are_not_trained_on(data: Path) -> None:
    rows, lost = gather(data, contrast_count=200, weak_share=1.0, seed=1)
    texts = {row.text for row in rows}
    assert "you absolute clown, go away" in texts
    assert not [text for text in texts if TESTED in text]
    assert lost["jigsaw_fragments"] == 3
    assert "a line of the test split of this set" not in texts
    assert "held out for measuring" not in texts


def test_a_text_is_trained_on_once(data: Path) -> None:
    rows, _ = gather(data, contrast_count=200, weak_share=1.0, seed=1)
    assert len({row.text for row in rows}) == len(rows)


def test_held_out_templates_and_what_is_near_them_are_not_trained_on(data: Path) -> None:
    rows, _ = gather(data, contrast_count=3000, weak_share=1.0, seed=1)
    held_out = NearDuplicates(each.text for each in load_contrast().held_out(HELD_OUT_FILLS, HELD_OUT_SEED))
    assert not [row.text for row in rows if row.text in held_out]


def test_an_annotated_row_knows_every_label_by_the_annotation(data: Path) -> None:
    rows = {row.text: row for row in training_rows(data)}
    for name, text in (
        ("edos", "a text that was annotated by the rules"),
        ("stormfront", "a sentence with annotations"),
    ):
        row = rows[text]
        assert dict(zip(LABELS, row.targets, strict=True)) == annotations(name)[annotated(name)]
        assert row.weights == (1.0,) * len(LABELS)


def test_rows_of_a_set_that_is_used_for_its_annotations_only_are_left_out_without(data: Path) -> None:
    assert "a sentence that nobody annotated" not in {row.text for row in training_rows(data)}


def test_labels_that_a_set_does_not_have_are_masked(data: Path) -> None:
    by_source = {row.source: row for row in training_rows(data)}
    masked = {source: [LABELS[at] for at, w in enumerate(row.weights) if not w] for source, row in by_source.items()}
    assert masked["toxic_spans_civil"] == ["severe_toxicity", "sexual_explicit"]
    assert masked["switchboard_sample"] == []
    assert masked["online_misogyny"] == [label for label in LABELS if label != "identity_attack"]


def test_disagreement_of_raters_becomes_a_soft_label(data: Path) -> None:
    (row,) = [row for row in training_rows(data) if row.source == "toxic_spans_civil"]
    assert row.targets[LABELS.index("insult")] == 0.5


def test_every_fifth_conversation_is_held_out(data: Path) -> None:
    assert switchboard(data, held_out=True) == ["held out for measuring"]
    assert switchboard(data, held_out=False) == ["do you have a pet"]


def test_a_missing_set_names_the_file(data: Path) -> None:
    (data / "train/wikipedia_talk/gn.csv").unlink()
    with pytest.raises(ConfigurationError, match=r"gn\.csv is missing: give --data"):
        list(training_rows(data))
