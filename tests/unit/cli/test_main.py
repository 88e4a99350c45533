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
