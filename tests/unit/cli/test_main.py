import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from moderation.__main__ import main
try:
    main()
finally:
    print("threads", os.environ["OPENBLAS_NUM_THREADS"])
"""


@pytest.mark.parametrize(("set_to", "effective"), [(None, "1"), ("3", "3")])
def test_matrices_are_multiplied_on_one_thread_unless_someone_says_otherwise(
    set_to: str | None, effective: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if set_to is not None:
        environment["OPENBLAS_NUM_THREADS"] = set_to
    command = [sys.executable, "-c", PROGRAM, "--version"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"threads {effective}" in run.stdout


STOPPED_IN_A_CLEAN_UP = """
import asyncio, os, signal
from moderation.cli.worker import _Stopping
from moderation.settings import load_settings

class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass  # the handler runs here, where exceptions are dropped

async def run():
    _Stopping(load_settings(), None).listen()
    Dying()
    print("went on")

asyncio.run(run())
"""


def test_a_request_to_stop_that_comes_while_an_object_is_cleaned_up_is_heeded() -> None:
    run = subprocess.run([sys.executable, "-c", STOPPED_IN_A_CLEAN_UP], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "went on" not in run.stdout
