"""Serving: answers over HTTP, each on record before it leaves."""
