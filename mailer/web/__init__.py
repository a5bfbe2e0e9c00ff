"""Floor 4: the pages visitors see. Parse, call a service, show."""
