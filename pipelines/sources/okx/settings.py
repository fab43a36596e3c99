"""What OKX's public API declares."""

from pipelines.http.client import Budget

BASE_URL = "https://www.okx.com"
# candles: 20 requests in 2 seconds and address; funding: 10
BUDGET = Budget(requests_per_second=4.0, burst=4)
LOOK_BACK_D = 3
LICENCE = "OKX API terms: own use, no redistribution of raw data"

# its words for lengths; without `utc` a day of OKX begins at 16:00 UTC
BARS = {
    "1m": "1m",
    "3m": "3m",
    "5m": "5m",
    "15m": "15m",
    "30m": "30m",
    "1h": "1H",
    "2h": "2H",
    "4h": "4H",
    "6h": "6Hutc",
    # OKX itself has none of eight hours, but recordings of it have
    "8h": "8Hutc",
    "12h": "12Hutc",
    "1d": "1Dutc",
}
# what can be had beside the daily candles
INTRADAY = frozenset(BARS) - {"8h", "1d"}
PAGE_ROWS = 300
FUNDING_PAGE_ROWS = 400
# "the last 3 months": what is not taken by then is gone
FUNDING_REACH_D = 89
# every quote that can be priced (the seed cfg_quote), in the venue's code
QUOTES = frozenset(
    {"BTC", "BUSD", "DAI", "ETH", "EUR", "FDUSD", "TUSD", "USD", "USDC", "USDP", "USDT"}
)
SETTLED_IN = frozenset({"USDT"})
