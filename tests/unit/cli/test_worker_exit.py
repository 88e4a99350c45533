import subprocess
import sys

HANGS = """
import threading
from moderation.cli.worker import end_by_force
threading.Thread(target=threading.Event().wait).start()
end_by_force(0.2)
"""

ENDS = """
from moderation.cli.worker import end_by_force
end_by_force(30)
"""


def test_a_process_with_a_thread_that_never_returns_is_ended_after_the_deadline() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], timeout=30, check=False, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "stop_forced" in ended.stdout + ended.stderr


def test_a_process_that_ends_by_itself_is_not_kept_waiting() -> None:
    assert subprocess.run([sys.executable, "-c", ENDS], timeout=20, check=False).returncode == 0
