"""The process between us and the broker: it ends the broker when we end, however we end. Standard library only.

Run as a script: `guard.py FOLDER GRACE_S BINARY ARGUMENT...`. Its standard input is a pipe that its parent holds open
and never writes to; the kernel closes it when the parent dies, even by SIGKILL. The broker in turn is killed by the
kernel when this process dies (PR_SET_PDEATHSIG, Linux). Exits with the broker's exit status, after removing FOLDER;
when the broker ended by itself, its last words are copied to standard error first.
"""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.2
_LAST_LINES = 5
LOG_FILE = "broker.log"


def main(arguments: list[str]) -> int:
    """Run the broker until it ends, its parent does, or a signal asks for it."""
    folder, grace_s, command = Path(arguments[0]), float(arguments[1]), arguments[2:]
    parent = os.getppid()
    asked = [False]

    def ask(_signal: int, _frame: FrameType | None) -> None:
        asked[0] = True

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; our parent decides
    try:
        with (folder / LOG_FILE).open("wb") as log:
            broker = subprocess.Popen(  # noqa: S603  the command is our own
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.defpath},
                preexec_fn=_die_with_parent,  # noqa: PLW1509  this process has one thread
            )
        while broker.poll() is None and not asked[0] and os.getppid() == parent and not _is_closed(sys.stdin.fileno()):
            pass
        if broker.poll() is not None:
            sys.stderr.write(_last_words(folder / LOG_FILE))
        return _end(broker, grace_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _is_closed(pipe: int) -> bool:
    """Wait a moment, and tell whether the other end of the pipe has gone."""
    readable, _, _ = select.select([pipe], [], [], _POLL_S)
    return bool(readable) and os.read(pipe, 1) == b""


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    return "".join(f"broker: {line}\n" for line in lines)


def _end(broker: subprocess.Popen[bytes], grace_s: float) -> int:
    if broker.poll() is None:
        broker.terminate()
        try:
            broker.wait(grace_s)
        except subprocess.TimeoutExpired:
            broker.kill()
            broker.wait()
    return broker.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
