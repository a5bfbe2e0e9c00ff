"""For translators: `python -m mailer.texts` renews the catalogues and lists what is left to do.

With `--check` nothing is written, and exit code 1 says that a catalogue is not whole.
"""

import sys

from mailer.texts.extraction import renew
from mailer.texts.translation import faults


def main(arguments: list[str]) -> int:
    """Renew, unless told `--check`, and list what is to be mended; the exit code."""
    checking = arguments == ["--check"]
    if arguments and not checking:
        sys.stderr.write("usage: python -m mailer.texts [--check]\n")
        return 2
    for path in [] if checking else renew():
        sys.stdout.write(f"renewed {path}\n")
    found = faults()
    sys.stdout.writelines(f"{fault}\n" for fault in found)
    sys.stdout.write(f"{len(found)} to mend\n" if found else "every catalogue is whole\n")
    return 1 if checking and found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
