"""What Bitstamp's public API declares."""

from pipelines.http import Budget

BASE_URL = "https://www.bitstamp.net"
# 10,000 requests in 10 minutes and address: half of it
BUDGET = Budget(requests_per_second=8.0, burst=8)
LOOK_BACK_D = 3
LICENCE = "Bitstamp API terms: own use, no redistribution of raw data"

# what can be had beside the daily candles
INTRADAY = frozenset({"1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h"})
PAGE_ROWS = 1000
# every quote that can be priced (the seed cfg_quote), in the venue's code
QUOTES = frozenset({"BTC", "DAI", "ETH", "EUR", "GBP", "PAX", "USD", "USDC", "USDT"})
SPOT = "SPOT"
# the rate limit is told in the body of a refusal
TOO_MANY_REQUESTS = "400.002"
