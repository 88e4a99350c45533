import os
from pathlib import Path

import pytest

from loadtest.process_tree import ProcessInfo, Role, process_tree

VOSK = b"python\0-P\0-c\0from moderation.asr.vosk.model_server import main; main()\0"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A worker 10 with a Vosk server 11, its engines 12 and 13, and another child 14; 20 is a stranger."""
    for pid, parent, cmdline in [
        (10, 1, b"python\0-m\0moderation\0worker\0"),
        (11, 10, VOSK),
        (12, 11, VOSK),
        (13, 11, VOSK),
        (14, 10, b"python\0-c\0decode\0"),
        (20, 1, VOSK),
    ]:
        add(tmp_path, pid, parent, cmdline)
    (tmp_path / "meminfo").touch()
    return tmp_path


def add(proc: Path, pid: int, parent: int, cmdline: bytes, memory: str = "VmRSS:\t1000 kB\nRssAnon:\t300 kB\n") -> None:
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "status").write_text(f"Name:\tpython\nPPid:\t{parent}\n{memory}")
    (folder / "cmdline").write_bytes(cmdline)


def test_a_workers_tree_tells_what_each_process_does(proc: Path) -> None:
    roles = {item.pid: item.role for item in process_tree(10, proc)}
    assert roles == {
        10: Role.WORKER,
        11: Role.ENGINE_SERVER,
        12: Role.ENGINE,
        13: Role.ENGINE,
        14: Role.OTHER,
    }


def test_memory_is_told_in_kib(proc: Path) -> None:
    first = process_tree(10, proc)[0]
    assert first == ProcessInfo(pid=10, parent=0, role=Role.WORKER, rss_kb=1000, anonymous_kb=300)


def test_a_process_that_is_gone_or_a_zombie_is_not_told(proc: Path) -> None:
    add(proc, 15, 10, b"", memory="State:\tZ (zombie)\n")
    assert 15 not in {item.pid for item in process_tree(10, proc)}
    assert process_tree(99, proc) == []


def test_this_process_has_memory() -> None:
    assert process_tree(os.getpid())[0].rss_kb > 1000
