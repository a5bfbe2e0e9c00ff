"""Says who runs a command, for the audit."""

import os
import pwd


def operator() -> str:
    """The account that runs this command, and the one behind sudo: what an audit asks for."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # containers run accounts that have no name
        name = f"uid {os.getuid()}"
    behind = os.environ.get("SUDO_USER")
    return f"{behind} as {name}" if behind else name
