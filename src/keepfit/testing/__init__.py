"""Conformance suites: what holds of every store, source, estimator and the like, to run on one's own.

They need pytest, which keepfit itself does not.
"""

from keepfit.testing.ledger import LedgerConformance

__all__ = ["LedgerConformance"]
