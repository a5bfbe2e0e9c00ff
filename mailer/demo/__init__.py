"""The guided tour: a local post office and a press office's first day, end to end."""
