import os
import signal
from pathlib import Path

import pytest

from moderation.processes.lifetime import ending, import_path


@pytest.mark.parametrize(
    ("status", "text"),
    [(signal.SIGKILL, "SIGKILL"), (signal.SIGSEGV | 0x80, "SIGSEGV"), (0, "exit 0"), (3 << 8, "exit 3")],
)
def test_an_ending_is_named(status: int, text: str) -> None:
    assert ending(status) == text


def test_children_import_from_absolute_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", ["", "relative", "/absolute"])
    assert import_path().split(os.pathsep) == [str(Path.cwd()), str(Path.cwd() / "relative"), "/absolute"]
