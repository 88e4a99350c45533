"""`python -m moderation`, and the `moderation` command."""

from moderation.cli.group import moderation


def main() -> None:
    """Run the command line; exits with its code."""
    moderation()


if __name__ == "__main__":
    main()
