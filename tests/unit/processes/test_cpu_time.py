import os
import subprocess
import sys
import threading
import time
from subprocess import PIPE

from moderation.processes.cpu_time import family_cpu_s, name_thread, threads_cpu_s

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


def test_the_time_of_threads_is_told_by_their_names() -> None:
    done, may_end = threading.Event(), threading.Event()

    def burn() -> None:
        name_thread("burns")
        while time.thread_time() < 0.2:
            pass
        done.set()
        may_end.wait()

    before_s = threads_cpu_s(os.getpid())["main"]
    thread = threading.Thread(target=burn)
    thread.start()
    done.wait()
    spent = threads_cpu_s(os.getpid())
    may_end.set()
    thread.join()
    assert spent["burns"] >= 0.15
    assert spent["main"] - before_s < spent["burns"]


def test_a_process_that_is_gone_has_no_threads() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert threads_cpu_s(child.pid) == {}
