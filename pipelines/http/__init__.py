"""One client for all sources: budget, retry, timeouts, logs without secrets."""

from pipelines.http.client import HttpClient

__all__ = ["HttpClient"]
