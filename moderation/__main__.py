"""`python -m moderation`, and the `moderation` command."""

import sys

EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line; exits with its code."""
    try:
        # Here, so that Ctrl-C while modules load ends as quietly as later.
        from moderation.cli.group import moderation  # noqa: PLC0415

        moderation()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
