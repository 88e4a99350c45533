"""A decoding process that does what a payload tells it to, as a process would that hostile audio has taken over.

`SABOTEUR` is the program of a server for `ServerProcess`. A payload that begins with `DO ` names one of the functions
below; every other payload is decoded as ever.
"""

import ctypes
import os
import signal
import socket
import subprocess
import time

import numpy as np

from moderation.audio.confined import server, serving
from moderation.audio.container import FileDecoder
from moderation.audio.utterance import Samples

SABOTEUR = "from support.saboteur import main; main()"

_hoard: list[bytearray] = []


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(0)


def hang() -> None:
    time.sleep(3_600)


def stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def spin() -> None:
    while True:
        pass


def allocate() -> None:
    bytearray(256 * 1024 * 1024)


def hoard() -> None:
    """Grows by 3 MiB a payload."""
    _hoard.append(bytearray(3 * 1024 * 1024))


def open_file() -> None:
    with open("/proc/self/status"):  # noqa: PTH123
        pass


def open_socket() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def start_process() -> None:
    subprocess.run(["/bin/true"], check=False)


def flood() -> None:
    """Announces 4 GiB."""
    os.write(3, b"\xff\xff\xff\xff" + bytes(1_000))


def babble() -> None:
    """An answer that is none, whose length is right."""
    os.write(3, b"\x00\x00\x00\x08nonsense")
    hang()


def lie() -> None:
    """Samples that are none."""
    os.write(3, b"\x00\x00\x00\x08S\x00\x00\x00" + np.float32(np.nan).tobytes())
    hang()


class Saboteur(FileDecoder):
    def decode(self, payload: bytes | memoryview) -> Samples:
        if bytes(payload[:3]) == b"DO ":
            globals()[bytes(payload[3:]).decode()]()
            return np.zeros(0, np.float32)
        return super().decode(payload)


def main() -> None:
    serving.FileDecoder = Saboteur
    server.main()
