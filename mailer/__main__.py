"""The door of `mailer` and `python -m mailer`."""

from mailer.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
