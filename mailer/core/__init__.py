"""Floor 0: values and decisions. Nothing here reads a clock, a file, a socket or a die."""
