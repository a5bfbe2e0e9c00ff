"""Floor 2: the verbs. Each takes the office, decides with the core, writes through the store."""
