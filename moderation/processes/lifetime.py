"""Children that begin clean and end with their parent."""

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment of a process that is to fork: the libraries that numpy brings start no threads."""


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends, however it ends (Linux).

    What counts as the parent's end is the end of the thread that forked: fork from a main thread only.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def import_path() -> str:
    """PYTHONPATH for a child process that is to find what this one finds."""
    return os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)


def ending(status: int) -> str:
    """How a process ended, from the status of `os.waitpid`: the name of a signal, or `exit N`."""
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit {os.WEXITSTATUS(status)}"
