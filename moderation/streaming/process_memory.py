"""How much memory the worker and the processes that it started hold, by what they do."""

import os
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")
ENGINE_PROGRAM = "moderation.asr.vosk.model_server"
"""Part of the command line of a process that holds a Vosk model, and of its forks, which serve recognisers."""

MIB = 1024**2
_PS = ("ps", "-A", "-o", "pid=,ppid=,rss=,args=")
_PS_DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process as the system shows it."""

    pid: int
    parent: int
    command: str
    held_bytes: int


class ProcessMemory:
    """Measures this process and its descendants. Blocks for milliseconds; call it on a thread.

    Where there is /proc, memory that several processes share is divided among them (proportional set size), so that the
    total is what they take from the machine. Elsewhere `ps` is asked, which counts what is shared in each process.
    """

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._has_proc = (proc / "self" / "smaps_rollup").exists()
        if not self._has_proc:
            log.warning(
                "memory_measured_with_ps", reason="no /proc/self/smaps_rollup", counts_shared_memory="repeatedly"
            )

    def by_role(self, root: int | None = None) -> dict[str, int]:
        """Bytes by role: `worker` (the process `root`, by default this one), `engine_server`, `engine`, `other`."""
        root = os.getpid() if root is None else root
        held: dict[str, int] = defaultdict(int)
        for role, process in roles(root, self._family(root)):
            held[role] += process.held_bytes
        return dict(held)

    def _family(self, root: int) -> list[Process]:
        everyone = _from_proc(self._proc) if self._has_proc else _from_ps()
        family = descendants(root, everyone)
        if not self._has_proc:
            return family
        # Only now: the kernel walks every page of a process to answer.
        return [_measured(self._proc, process) for process in family]


def descendants(root: int, everyone: Iterable[Process]) -> list[Process]:
    """The process `root` and all that descend from it, parents first."""
    children: dict[int, list[Process]] = defaultdict(list)
    found: list[Process] = []
    for process in everyone:
        children[process.parent].append(process)
        if process.pid == root:
            found.append(process)
    for process in found:
        found.extend(children[process.pid])
    return found


def roles(root: int, family: Iterable[Process]) -> list[tuple[str, Process]]:
    """What each process does. A fork of a model server has its command line and it as a parent."""
    servers: set[int] = set()
    named: list[tuple[str, Process]] = []
    for process in family:
        if process.pid == root:
            role = "worker"
        elif ENGINE_PROGRAM not in process.command:
            role = "other"
        elif process.parent in servers:
            role = "engine"
        else:
            role = "engine_server"
            servers.add(process.pid)
        named.append((role, process))
    return named


def default_cap_mb() -> int:
    """80 % of the memory that this process may use, MiB: of the machine's or of its container's, whichever is less."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(min([machine, *_container_limits(CGROUP)]) * 0.8) // MIB


def _container_limits(cgroup: Path) -> list[int]:
    limits = []
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _read(cgroup / name).strip()
        if text.isdigit():
            limits.append(int(text))
    return limits


def _from_proc(proc: Path) -> list[Process]:
    found = []
    for folder in proc.iterdir():
        if folder.name.isdigit() and (stat := _read(folder / "stat")):
            # The name in brackets may hold spaces and brackets; the parent is the second value behind it.
            parent = int(stat.rpartition(")")[2].split()[1])
            command = _read(folder / "cmdline").replace("\0", " ")
            found.append(Process(pid=int(folder.name), parent=parent, command=command, held_bytes=0))
    return found


def _measured(proc: Path, process: Process) -> Process:
    lines = _read(proc / str(process.pid) / "smaps_rollup").splitlines()
    held_kib = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return Process(pid=process.pid, parent=process.parent, command=process.command, held_bytes=held_kib * 1024)


def _from_ps() -> list[Process]:
    try:
        answer = subprocess.run(_PS, capture_output=True, text=True, check=True, timeout=_PS_DEADLINE_S)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("memory_not_measured", error=type(error).__name__)
        return []
    found = []
    for line in answer.stdout.splitlines():
        pid, parent, rss_kib, *command = line.split(maxsplit=3)
        held_bytes = int(rss_kib) * 1024
        found.append(Process(pid=int(pid), parent=int(parent), command="".join(command), held_bytes=held_bytes))
    return found


def _read(path: Path) -> str:
    """The text, empty where there is none: processes end while they are looked at."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
