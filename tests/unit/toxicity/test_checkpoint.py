import hashlib
from pathlib import Path

import pytest

from moderation.errors import ConfigurationError, ModelMissing
from moderation.toxicity.checkpoint import configuration_folder, find_checkpoint, offline_checkpoint, verified_digest

CONTENT = b"not a pickle"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def checkpoint(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(CONTENT)
    return path


def test_the_digest_in_the_name_is_checked(tmp_path: Path) -> None:
    assert verified_digest(checkpoint(tmp_path, f"toxic-{DIGEST[:8]}.ckpt")) == DIGEST
    with pytest.raises(ConfigurationError, match="not the published file"):
        verified_digest(checkpoint(tmp_path, "toxic-01234567.ckpt"))


def test_the_digest_beside_the_file_is_checked(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, "model.ckpt")
    (tmp_path / "model.ckpt.sha256").write_text(f"{DIGEST}  model.ckpt\n")
    assert verified_digest(path) == DIGEST
    path.write_bytes(b"changed")
    with pytest.raises(ConfigurationError, match="not the published file"):
        verified_digest(path)


@pytest.mark.parametrize("beside", ["", "0123", "z" * 64])
def test_a_digest_file_without_a_digest_verifies_nothing(tmp_path: Path, beside: str) -> None:
    path = checkpoint(tmp_path, f"toxic-{DIGEST[:8]}.ckpt")
    (tmp_path / f"{path.name}.sha256").write_text(beside)
    with pytest.raises(ConfigurationError, match="holds no SHA-256"):
        verified_digest(path)


def test_the_digest_that_the_caller_knows_wins(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, f"toxic-{DIGEST[:8]}.ckpt")
    with pytest.raises(ConfigurationError, match="not the published file"):
        verified_digest(path, "c1212f89")


def test_a_file_that_cannot_be_verified_is_never_unpickled(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, "model.ckpt")
    with pytest.raises(ConfigurationError, match="cannot be verified"), offline_checkpoint(path):
        pass


def test_a_missing_checkpoint_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="moderation models fetch detoxify:unbiased"):
        find_checkpoint(tmp_path, "unbiased")


def test_two_checkpoints_are_ambiguous(tmp_path: Path) -> None:
    checkpoint(tmp_path, "a.ckpt")
    checkpoint(tmp_path, "b.ckpt")
    with pytest.raises(ModelMissing, match="2 checkpoints"):
        find_checkpoint(tmp_path, "own")


def test_configuration_lies_in_the_tokenizer_folder_or_beside(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, "model.ckpt")
    with pytest.raises(ConfigurationError, match=r"config\.json is missing"):
        configuration_folder(path)
    (tmp_path / "config.json").write_text("{}")
    assert configuration_folder(path) == tmp_path
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "config.json").write_text("{}")
    assert configuration_folder(path) == tmp_path / "tokenizer"
