import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from moderation.streaming import process_memory
from moderation.streaming.process_memory import ENGINE_PROGRAM, MIB, Process, ProcessMemory, default_cap_mb, descendants
from moderation.streaming.process_memory import roles as roles_of

HELD = 64 * MIB
HOLDS = "import sys; held = bytes(int(sys.argv[1])); held = bytearray(held); print(len(held), flush=True); input()"

PARENT = """
import subprocess, sys
print(flush=True)
input()
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
child = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], **pipes, text=True)
child.stdout.readline()
print(flush=True)
input()
child.communicate("\\n")
print(flush=True)
input()
"""
FORKS = """
import os, signal, sys
from pathlib import Path
from moderation.streaming.process_memory import ProcessMemory
held = bytearray(os.urandom(1)) * int(sys.argv[1])
child = os.fork()
if child == 0:
    signal.pause()
try:
    measured = sum(ProcessMemory().by_role().values())
    status = Path("/proc/self/status").read_text()
finally:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
resident = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))
print(measured, resident)
"""


def process(pid: int, parent: int, command: str = "") -> Process:
    return Process(pid=pid, parent=parent, command=command, held_bytes=0)


def test_descendants_are_found_through_generations_and_others_are_not() -> None:
    everyone = [process(3, 2), process(2, 1), process(1, 0), process(9, 8), process(4, 1)]
    assert [found.pid for found in descendants(1, everyone)] == [1, 2, 4, 3]


def test_a_process_that_is_gone_has_no_family() -> None:
    assert descendants(7, [process(1, 0)]) == []


def test_roles_tell_the_model_server_from_the_engines_it_forked() -> None:
    command = f"python -c from {ENGINE_PROGRAM} import main; main() 3 model 8"
    family = [process(1, 0, "moderation worker"), process(2, 1, command), process(3, 2, command), process(4, 1, "cat")]
    assert [role for role, _ in roles_of(1, family)] == ["worker", "engine_server", "engine", "other"]


@pytest.fixture(params=["proc", "ps"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> ProcessMemory:
    if request.param == "proc":
        if not Path("/proc/self/smaps_rollup").exists():
            pytest.skip("there is no /proc")
        return ProcessMemory()
    with capture_logs() as logged:
        memory = ProcessMemory(tmp_path)
    assert [entry["event"] for entry in logged] == ["memory_measured_with_ps"]
    return memory


def test_memory_of_a_process_and_of_its_children_is_measured(memory: ProcessMemory) -> None:
    """Of a process of its own: what else runs in the tests grows and shrinks."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, HOLDS, str(HELD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        measured = []
        for _ in ("before", "during", "after"):
            parent.stdout.readline()
            measured.append(memory.by_role(parent.pid))
            parent.stdin.write("\n")
            parent.stdin.flush()
    before, during, after = measured
    assert before["worker"] > MIB
    assert "other" not in before
    assert during["other"] >= HELD
    assert "other" not in after


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc")
def test_memory_that_is_shared_counts_once() -> None:
    """A fork shares all of its parent's memory, until either writes to it."""
    told = subprocess.run([sys.executable, "-c", FORKS, str(HELD)], capture_output=True, text=True, check=True)
    measured, resident = map(int, told.stdout.split())
    assert resident > HELD
    assert measured < resident + HELD // 2


def test_a_system_that_cannot_be_asked_counts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_memory, "_PS", (str(tmp_path / "no-such-program"),))
    assert ProcessMemory(tmp_path).by_role() == {}


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_the_default_cap_follows_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(process_memory, "CGROUP", tmp_path)
    machine = default_cap_mb()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(f"{500 * MIB}\n")
    assert default_cap_mb() == 400 < machine
    (tmp_path / name).write_text("max\n")
    assert default_cap_mb() == machine
