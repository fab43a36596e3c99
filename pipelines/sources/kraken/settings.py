"""What Kraken's public spot API declares."""

from pipelines.http.client import Budget

BASE_URL = "https://api.kraken.com"
# no number is published; about one a second and address is what works
BUDGET = Budget(requests_per_second=0.9)
LOOK_BACK_D = 3
LICENCE = "Kraken API terms: own use, no redistribution of raw data"

# what can be had beside the daily candles
INTRADAY = frozenset({"1m", "5m", "15m", "30m", "1h", "4h"})
# whatever `since` is: the newest 720 closed candles and the open one
REACH_ROWS = 720
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
        "TUSD",
        "USD",
        "USDC",
        "USDP",
        "USDT",
        "XBT",
    }
)
