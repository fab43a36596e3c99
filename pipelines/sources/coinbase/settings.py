"""What Coinbase Exchange's public API declares."""

from pipelines.http import Budget

BASE_URL = "https://api.exchange.coinbase.com"
# 10 requests a second and address are allowed
BUDGET = Budget(requests_per_second=6.0, burst=5)
LOOK_BACK_D = 3
LICENCE = "Coinbase market data terms: own use, no redistribution of raw data"

GRANULARITY_S = 86_400
# a window of 300 buckets, both ends inclusive; one more is refused with HTTP 400
PAGE_BUCKETS = 300
QUOTES = frozenset({"USD"})
