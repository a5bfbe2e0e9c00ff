"""Floor 1: the world in. What a press office hands us becomes editions."""
