"""A process and its descendants as /proc shows them: what each does, and its memory. Linux only."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

PROC = Path("/proc")
_VOSK_PROGRAM = b"moderation.asr.vosk.model_server"


class Role(StrEnum):
    """What a process of the system does."""

    WORKER = "worker"
    """The process that was asked about."""
    ENGINE_SERVER = "engine_server"
    """Holds a Vosk model and forks engines; decodes nothing."""
    ENGINE = "engine"
    """Hears an utterance with Vosk."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessInfo:
    """One process with its resident memory, in KiB.

    `rss_kb` counts everything. `anonymous_kb` is without mapped files; what a fork shares with its parent until either
    writes to it counts in both.
    """

    pid: int
    parent: int
    role: Role
    rss_kb: int
    anonymous_kb: int


def process_tree(root: int, proc: Path = PROC) -> list[ProcessInfo]:
    """The process and its descendants, parents first; nothing when it is gone."""
    children: dict[int, list[int]] = defaultdict(list)
    for pid, parent in _parents(proc):
        children[parent].append(pid)
    found: list[ProcessInfo] = []
    waiting = [(root, 0)]
    while waiting:
        pid, parent = waiting.pop(0)
        info = _describe(proc, pid, parent, is_root=pid == root, parents={item.pid: item for item in found})
        if info is not None:
            found.append(info)
            waiting += [(child, pid) for child in sorted(children[pid])]
    return found


def _parents(proc: Path) -> Iterator[tuple[int, int]]:
    for folder in proc.iterdir():
        if folder.name.isdigit():
            status = _status(folder)
            if "PPid" in status:
                yield int(folder.name), int(status["PPid"])


def _describe(
    proc: Path, pid: int, parent: int, *, is_root: bool, parents: dict[int, ProcessInfo]
) -> ProcessInfo | None:
    folder = proc / str(pid)
    status = _status(folder)
    # A zombie has no memory any more, and does nothing.
    if "VmRSS" not in status:
        return None
    role = Role.WORKER if is_root else _role(folder, parents.get(parent))
    return ProcessInfo(
        pid=pid, parent=parent, role=role, rss_kb=_kb(status["VmRSS"]), anonymous_kb=_kb(status["RssAnon"])
    )


def _role(folder: Path, parent: ProcessInfo | None) -> Role:
    if _VOSK_PROGRAM not in _read(folder / "cmdline"):
        return Role.OTHER
    # An engine is a fork of its server and has the same command line.
    is_fork = parent is not None and parent.role is Role.ENGINE_SERVER
    return Role.ENGINE if is_fork else Role.ENGINE_SERVER


def _status(folder: Path) -> dict[str, str]:
    lines = _read(folder / "status").decode(errors="replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


def _kb(value: str) -> int:
    return int(value.split(maxsplit=1)[0])
