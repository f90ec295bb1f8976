"""Ways to tell people: a signed webhook, and what Apprise knows."""
