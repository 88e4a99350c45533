"""`moderation scan` as people start it: a process of its own, to its very end."""

import subprocess
import sys
from importlib.resources import as_file, files


def test_a_file_is_judged_and_the_process_ends_well() -> None:
    """It used to abort behind its last line: a thread let go of the model while the interpreter ended."""
    with as_file(files("moderation.demo").joinpath("clips", "clean-cat.ogg")) as clip:
        command = [sys.executable, "-m", "moderation", "scan", str(clip)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "cat" in done.stdout
    assert "terminate" not in done.stderr
