"""The fault run, short: what it says of workers that were killed, and that it notices what it must."""

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

FAULTS = [
    *("--seconds", "24", "--streams", "8", "--session-timeout", "6", "--reference-speed", "3", "--seed", "4"),
    *("--kills", "1", "--engine-kills", "1", "--joins", "1", "--stops", "0", "--terms", "0", "--outages", "0"),
]


def test_a_killed_worker_a_killed_engine_and_a_join_lose_nothing_and_change_nothing() -> None:
    command = [sys.executable, "-m", "loadtest", "faults", "--json", *FAULTS]
    run = subprocess.run(command, capture_output=True, text=True, timeout=230, check=False)
    assert run.stdout, run.stderr[-4000:]
    told = json.loads(run.stdout.splitlines()[-1])
    done = {name: told[name] for name in ("worker_kills", "engine_kills", "joins", "faults_skipped")}
    assert done == {"worker_kills": 1, "engine_kills": 1, "joins": 1, "faults_skipped": []}
    assert told["utterances"] >= 5
    assert told["dead_letters_expected"] == told["dead_letters_seen"] > 0
    wrong = (
        *("lost", "mismatched", "ghosts", "out_of_order", "unfinished_messages"),
        *("duplicate_flag_ids_conflicting", "word_times_differing", "provisional_flags_unsettled"),
    )
    assert {name: told[name] for name in wrong} == dict.fromkeys(wrong, 0), run.stdout
    assert told["takeover_s_max"] > 0
    assert run.returncode == 0
