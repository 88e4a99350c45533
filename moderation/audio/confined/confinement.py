"""What a decoding process may not do. Linux: setrlimit(2), getitimer(2), prctl(2), proc(5).

It keeps one socket, to the worker, and a file that says how large it is; it cannot open, write or listen to anything
else, nor start processes or threads (where it is not run as root), nor leave a core file. Processor time is counted by
a timer whose signal ends the process, wherever it is.
"""

import ctypes
import fcntl
import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_PR_SET_NO_NEW_PRIVS = 38
_CONNECTION = 3
_STATM = 4
_DESCRIPTORS = 5
_HIGH = 64
"""Above every descriptor that is given a place."""

CPU_SIGNAL = signal.SIGPROF
"""Ends a process that has used up its processor time."""


class Confinement:
    """The bounds of this process, from `confine` on."""

    def __init__(self, *, memory_bytes: int, cpu_ms: int) -> None:
        self._start_bytes = _address_space_bytes()
        self._memory_bytes = memory_bytes
        self._cpu_s = cpu_ms / 1000
        limit = self._start_bytes + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    @property
    def is_worn(self) -> bool:
        """Whether the process has grown by half of what it may grow: the next payload could be refused unjustly."""
        return _address_space_bytes() - self._start_bytes > self._memory_bytes // 2

    @contextmanager
    def limited_cpu(self) -> Iterator[None]:
        """Code that ends the process when it takes more processor time than `cpu_ms`."""
        signal.setitimer(signal.ITIMER_PROF, self._cpu_s)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def confine(connection: socket.socket, *, memory_bytes: int, cpu_ms: int) -> tuple[socket.socket, Confinement]:
    """Give up everything but the connection, which is taken over. Cannot be undone.

    `memory_bytes` is how much the address space may grow from now on, `cpu_ms` the time for `limited_cpu`.
    """
    connection = _keep_only(connection)
    signal.signal(CPU_SIGNAL, signal.SIG_DFL)
    for what, limit in (
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return connection, Confinement(memory_bytes=memory_bytes, cpu_ms=cpu_ms)


def _keep_only(connection: socket.socket) -> socket.socket:
    null = os.open(os.devnull, os.O_RDWR)
    statm = os.open("/proc/self/statm", os.O_RDONLY)
    kept = [fcntl.fcntl(fd, fcntl.F_DUPFD, _HIGH) for fd in (null, null, null, connection.detach(), statm)]
    for place, descriptor in enumerate(kept):
        os.dup2(descriptor, place, inheritable=False)
    os.closerange(_DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    return socket.socket(fileno=_CONNECTION)


def _address_space_bytes() -> int:
    return int(os.pread(_STATM, 64, 0).split()[0]) * resource.getpagesize()
