"""`python -m moderation`, and the `moderation` command."""

import os
import sys

EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line; exits with its code."""
    # The matrices that NumPy multiplies here are small (`audio.resample`): on a busy machine, threads that wait for one
    # another cost a hundred times the work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        # Here, so that Ctrl-C while modules load ends as quietly as later.
        from moderation.cli.group import moderation  # noqa: PLC0415

        moderation()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
