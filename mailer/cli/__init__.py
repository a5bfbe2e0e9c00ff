"""Floor 4: the commands operators and cron run. Parse, call a service, show."""
