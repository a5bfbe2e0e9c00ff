"""Words for people: catalogues, templates and the wording of a consent, for pages and mails alike."""
