"""What goes wrong in research, said to people."""

from __future__ import annotations


class ResearchError(Exception):
    """An input from which nothing can be computed, or a ledger that contradicts itself."""
