import subprocess
import sys
from subprocess import PIPE

from moderation.processes.cpu_time import family_cpu_s

BURN = "import time\nwhile time.process_time() < 0.5: pass"


def test_processor_time_of_children_counts_while_they_live_and_after_they_ended() -> None:
    before_s = family_cpu_s()
    child = subprocess.Popen(
        [sys.executable, "-c", f"{BURN}\nprint('done', flush=True)\ninput()"], stdin=PIPE, stdout=PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    while_alive_s = family_cpu_s() - before_s
    child.communicate(b"\n")
    after_s = family_cpu_s() - before_s
    assert while_alive_s >= 0.4
    assert after_s >= while_alive_s


def test_a_process_that_is_gone_has_used_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert family_cpu_s(child.pid) == 0
