"""The clips that are committed are those of the manifest."""

from pathlib import Path

import pytest

from moderation.demo.make_clips import CHECKSUMS
from moderation.demo.manifest import Clip, clips_folder, load_manifest
from moderation.demo.sound_file import decode_clip, sha256
from moderation.events import Severity
from moderation.settings import PiiSettings
from moderation.toxicity.classifier import LABELS
from moderation.vocabulary.filter import VocabularyFilter
from moderation.vocabulary.term_list import load_term_list, shipped_lists

CLIPS = load_manifest().clips
LISTED = {entry.category for path in shipped_lists() for entry in load_term_list(path).entries}
FOLDER = Path(str(clips_folder()))


def checksums() -> dict[str, str]:
    lines = (FOLDER / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def test_every_manifest_entry_has_its_file_and_there_is_no_other():
    assert {path.name for path in FOLDER.glob("*.ogg")} == {clip.file_name for clip in CLIPS}


def test_every_file_has_the_listed_checksum():
    assert {path.name: sha256(path.read_bytes()) for path in FOLDER.glob("*.ogg")} == checksums()


def test_the_clips_are_at_most_one_and_a_half_megabytes_together():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.ogg")) <= 1_500_000


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.id)
def test_a_clip_lasts_between_one_and_a_half_and_five_and_a_half_seconds(clip: Clip):
    audio = decode_clip((FOLDER / clip.file_name).read_bytes(), 16_000)
    assert 1.5 <= len(audio) / 16_000 <= 5.5
    assert abs(audio).max() < 1


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.id)
def test_expectations_name_known_categories_and_agree_with_themselves(clip: Clip):
    assert set(clip.expect.toxicity) <= set(LABELS)
    assert set(clip.expect.vocabulary) <= LISTED
    assert set(clip.expect.also) <= {*LABELS, *LISTED, *PiiSettings().entities}
    assert set(clip.expect.pii) <= set(PiiSettings().entities)
    assert clip.expect.flagged == (clip.expect.severity is not Severity.NONE)
    if clip.expect.flagged:
        assert clip.expect.required
    else:
        assert not clip.expect.toxicity
        assert not clip.expect.pii


def test_enough_is_said_by_enough_speakers():
    spoken = [clip for clip in CLIPS if clip.voice]
    assert 40 <= len(spoken) <= 60
    assert len({clip.voice for clip in spoken}) >= 8


def test_the_lists_that_ship_find_in_the_words_what_the_manifest_expects_of_them():
    vocabulary = VocabularyFilter.from_files([])
    found = {clip.id: {match.category for match in vocabulary.match(clip.text, clip.language)} for clip in CLIPS}
    assert found == {clip.id: set(clip.expect.vocabulary) for clip in CLIPS}
