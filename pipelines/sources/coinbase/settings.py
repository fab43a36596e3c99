"""What Coinbase Exchange's public API declares."""

from pipelines.http import Budget

BASE_URL = "https://api.exchange.coinbase.com"
# 10 requests a second and address are allowed
BUDGET = Budget(requests_per_second=6.0, burst=5)
LOOK_BACK_D = 3
LICENCE = "Coinbase market data terms: own use, no redistribution of raw data"

# what can be had beside the daily candles
INTRADAY = frozenset({"1m", "5m", "15m", "1h", "6h"})
# a window of 300 buckets, both ends inclusive; one more is refused with HTTP 400
PAGE_BUCKETS = 300
# every quote that can be priced (the seed cfg_quote), in the venue's code
QUOTES = frozenset(
    {
        "BTC",
        "BUSD",
        "DAI",
        "ETH",
        "EUR",
        "FDUSD",
        "GBP",
        "PAX",
        "TUSD",
        "USD",
        "USDC",
        "USDP",
        "USDT",
    }
)
