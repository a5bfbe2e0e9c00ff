"""Press releases by mail: double opt-in sign-up and a dispatcher that loses nobody."""

__version__ = "0.1.0"
