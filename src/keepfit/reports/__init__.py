"""Views: what the stores say, gathered for people."""
