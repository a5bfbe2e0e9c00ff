"""Floor 1: the world out. Editions and notices become messages, and messages leave."""
