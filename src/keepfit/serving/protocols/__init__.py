"""Protocols of clouds and clients: each module turns their requests into rows, and answers into their form."""
