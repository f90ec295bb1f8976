"""Stores: where the ledger is kept, one module per kind of database."""
