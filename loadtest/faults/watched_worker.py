"""`moderation worker`, which also writes down which partitions it is given and when.

Run as `python -m loadtest.faults.watched_worker FILE [arguments of moderation worker]`. Topics do not tell who owned a
partition; the worker's Kafka client says so in a log message.
"""

import json
import logging
import sys
import time
from pathlib import Path

from moderation.__main__ import main

_LOGGER = "aiokafka.consumer.group_coordinator"
_MESSAGE = "Setting newly assigned partitions"


class AssignmentLog(logging.Handler):
    """Appends a JSON line for each assignment: `at` (seconds since 1970) and `partitions`."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.INFO)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Write one assignment down; other messages are left alone."""
        if str(record.msg).startswith(_MESSAGE) and isinstance(record.args, tuple):
            assigned: object = record.args[0]
            partitions = sorted(item.partition for item in assigned) if isinstance(assigned, set) else []
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"at": time.time(), "partitions": partitions}) + "\n")


def watch(path: Path) -> None:
    """Write assignments down from now on. The client's other news about the group go to the worker's log as well."""
    logger = logging.getLogger(_LOGGER)
    logger.setLevel(logging.INFO)
    logger.addHandler(AssignmentLog(path))


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    sys.argv = ["moderation", "worker", *sys.argv[2:]]
    main()
