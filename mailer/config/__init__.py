"""Floor 1: the settings, typed and checked. Only wiring and the command line read them."""

from mailer.config.read import load
from mailer.config.settings import Settings

__all__ = ["Settings", "load"]
