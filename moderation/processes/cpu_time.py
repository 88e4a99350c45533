"""Processor time of a process and everything it started. Linux only."""

import contextlib
import os
from collections import defaultdict
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# /proc/PID/stat behind the command's closing bracket: state is field 3, so field n is at n - 3. Source: proc(5).
_PARENT, _USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM = 1, 11, 12, 13, 14


def family_cpu_s(root: int | None = None) -> float:
    """Processor time spent so far by a process and its descendants, those that have ended included, s.

    Counts in ticks of 10 ms: for work that takes seconds.
    """
    stats = dict(_all_stats())
    children: dict[int, list[int]] = defaultdict(list)
    for pid, fields in stats.items():
        children[fields[_PARENT]].append(pid)
    total, waiting = 0, [root or os.getpid()]
    while waiting:
        pid = waiting.pop()
        if pid in stats:
            total += sum(stats[pid][place] for place in (_USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM))
            waiting += children[pid]
    return total / _TICKS_PER_S


def threads_cpu_s(pid: int) -> dict[str, float]:
    """Processor time spent so far by each running thread of a process, s, by name; those of a name are added up.

    The main thread is `main`, the others are named as `name_thread` was told. Nothing when the process is gone.
    """
    spent: dict[str, float] = defaultdict(float)
    for folder in _listed(_PROC / str(pid) / "task"):
        try:
            name = "main" if folder.name == str(pid) else (folder / "comm").read_text(encoding="utf-8").strip()
            # Time on a processor, ns, is the first field. Source: the kernel's Documentation/scheduler/sched-stats.rst.
            spent[name] += int((folder / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
        except OSError:  # it has ended meanwhile
            continue
    return dict(spent)


def name_thread(name: str) -> None:
    """Give the calling thread a name, of 15 bytes at most, by which the system tells it from others, if it lets us."""
    with contextlib.suppress(OSError):
        Path("/proc/thread-self/comm").write_text(name, encoding="utf-8")


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _all_stats() -> list[tuple[int, list[int]]]:
    found = []
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:  # it has ended meanwhile
                continue
            # The command may hold spaces and brackets of its own.
            _state, *fields = line.rpartition(") ")[2].split()
            found.append((int(folder.name), [0, *map(int, fields)]))
    return found
