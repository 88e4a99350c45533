"""The workers of a fault run: as many as are wanted, replaced when they end, with a record of what was done to them."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.process_tree import ProcessInfo, Role
from loadtest.processes import StartedWorker

SUPERVISOR_PAUSE_S = 1.0
"""How long a worker that ended by itself stays away."""


@dataclass(slots=True, kw_only=True)
class Member:
    """A worker and what is known of it."""

    worker: StartedWorker
    assignments: Path
    is_standing_still: bool = False
    is_ending: bool = False
    """It was told to end, or killed."""

    @property
    def is_serving(self) -> bool:
        """Whether it has partitions, as far as anybody can see from outside."""
        return self.worker.is_ready and not self.is_standing_still and not self.is_ending

    def partitions_at(self, instant: float) -> frozenset[int]:
        """The partitions it was given last before the instant (seconds since 1970); none before the first time."""
        given: frozenset[int] = frozenset()
        if self.assignments.exists():
            for line in self.assignments.read_text(encoding="utf-8").splitlines():
                assignment = json.loads(line)
                if assignment["at"] <= instant:
                    given = frozenset(assignment["partitions"])
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A worker that was killed with SIGKILL at an instant (seconds since 1970), and what it owned then."""

    worker: str
    at: float
    partitions: frozenset[int]


@dataclass(slots=True)
class FleetLog:
    """What happened to the workers."""

    kills: list[Kill] = field(default_factory=list)
    engine_kills: int = 0
    engine_server_kills: int = 0
    """How many of these hit the process that holds a model."""
    terminations: int = 0
    stops: int = 0
    joins: int = 0
    outages: int = 0
    skipped: list[str] = field(default_factory=list)
    """Faults that could not be injected."""
    self_exits: list[str] = field(default_factory=list)
    """Workers that ended by themselves, with their exit codes."""
    bad_terminations: list[str] = field(default_factory=list)
    """Workers that did not end with 0 after SIGTERM."""
    peak_rss_mb: dict[str, int] = field(default_factory=dict)
    """Role to the largest resident memory of one process."""


class Fleet:
    """Starts workers and keeps their number. All methods are for the main thread."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, wanted: int, prefix: str = "worker") -> None:
        self._folder = folder
        self._environment = environment
        self._wanted = wanted
        self._prefix = prefix
        self._members: list[Member] = []
        self._started = 0
        self._due: list[float] = []
        self.log = FleetLog()

    @property
    def members(self) -> list[Member]:
        """The workers whose processes are there."""
        return [member for member in self._members if member.worker.is_running]

    @property
    def serving(self) -> list[Member]:
        """The workers that serve, as far as can be seen from outside."""
        return [member for member in self._members if member.is_serving]

    def start(self) -> Member:
        """Start one more worker."""
        self._started += 1
        name = f"{self._prefix}-{self._started:02d}"
        assignments = self._folder / f"{name}.assignments"
        worker = StartedWorker(
            self._folder,
            self._environment,
            name=name,
            arguments=("-m", "loadtest.faults.watched_worker", str(assignments)),
        )
        member = Member(worker=worker.start(), assignments=assignments)
        self._members.append(member)
        return member

    def kill(self, member: Member, *, replaced_after_s: float) -> None:
        """SIGKILL a worker."""
        at = time.time()
        member.is_ending = True
        member.worker.kill()
        self.log.kills.append(Kill(worker=member.worker.name, at=at, partitions=member.partitions_at(at)))
        self._due.append(time.monotonic() + replaced_after_s)

    def terminate(self, member: Member, *, replaced_after_s: float) -> None:
        """SIGTERM a worker."""
        member.is_ending = True
        member.worker.terminate()
        self.log.terminations += 1
        self._due.append(time.monotonic() + replaced_after_s)

    def engines(self) -> list[ProcessInfo]:
        """The Vosk processes of the workers that serve."""
        trees = [process for member in self.serving for process in member.worker.processes()]
        return [process for process in trees if process.role is Role.ENGINE]

    def supervise(self) -> None:
        """What a supervisor does: note who ended, and start replacements that are due. Call it a few times a second.

        A worker that was killed or told to end is replaced unless there are as many as wanted without it.
        """
        for member in [member for member in self._members if not member.worker.is_running]:
            self._members.remove(member)
            self._note_end(member)
        now = time.monotonic()
        ready = [due for due in self._due if due <= now]
        self._due = [due for due in self._due if due > now]
        for _ in ready:
            if sum(not member.is_ending for member in self._members) < self._wanted:
                self.start()

    def measure(self) -> None:
        """Note the memory of every process, when it is the most that was seen."""
        for member in self.members:
            for process in member.worker.processes():
                peak = self.log.peak_rss_mb.get(process.role, 0)
                self.log.peak_rss_mb[process.role.value] = max(peak, process.rss_kb // 1024)

    def stop(self) -> None:
        """End every worker: SIGTERM to all, then wait, then SIGKILL. Blocks."""
        for member in self._members:
            member.worker.resume()
            member.worker.terminate()
        for member in self._members:
            if member.worker.wait(member.worker.stop_grace_s) is None:
                member.worker.kill()
                member.worker.wait(member.worker.stop_grace_s)
            if not member.is_ending and member.worker.exit_code != 0:
                self.log.bad_terminations.append(f"{member.worker.name}: {member.worker.exit_code}")
        self._members.clear()

    def abandon(self) -> None:
        """SIGKILL everything that is left. Blocks for a moment."""
        for member in self.members:
            member.worker.kill()
            member.worker.wait(member.worker.stop_grace_s)

    def _note_end(self, member: Member) -> None:
        code = member.worker.exit_code
        if not member.is_ending:
            self.log.self_exits.append(f"{member.worker.name}: {code}")
            self._due.append(time.monotonic() + SUPERVISOR_PAUSE_S)
        elif code not in (0, -9):
            self.log.bad_terminations.append(f"{member.worker.name}: {code}")
