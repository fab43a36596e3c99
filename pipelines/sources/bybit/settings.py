"""What Bybit's public API declares."""

from pipelines.http.client import Budget

BASE_URL = "https://api.bybit.com"
# the same API, for where the first cannot be used
MIRRORS = ("https://api.bytick.com",)
# 600 requests in 5 seconds and address are allowed; what is above is blocked for 10 minutes
BUDGET = Budget(requests_per_second=20.0, burst=10)
LOOK_BACK_D = 3
LICENCE = "Bybit API terms: own use, no redistribution of raw data"

# its words for lengths: minutes, or this
DAILY = "D"
# what is longer begins at a midnight
INTERVALS_S = {
    # 480: Bybit itself has none of eight hours, but recordings of it have
    **{str(minutes): minutes * 60 for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 480, 720)},
    **dict.fromkeys((DAILY, "W", "M"), 86_400),
}
# what can be had beside the daily candles
INTRADAY = frozenset({"1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h"})
PAGE_BUCKETS = 1000
FUNDING_PAGE_ROWS = 200
OPEN_INTEREST_INTERVAL = "1d"
PERIODS_S = {
    "5min": 300,
    "15min": 900,
    "30min": 1_800,
    "1h": 3_600,
    "4h": 14_400,
    "1d": 86_400,
}
OPEN_INTEREST_PAGE_ROWS = 200
INSTRUMENTS_PAGE_ROWS = 1000
# some 700 linear contracts are listed
MAX_LINEAR_PAGES = 3
# against USDT, and BTCUSDT beside 1000BTCUSDT
MAX_CONTRACTS_OF_A_BASE = 2
# every quote that can be priced (the seed cfg_quote), in the venue's code
QUOTES = frozenset({"BTC", "BUSD", "DAI", "ETH", "EUR", "FDUSD", "TUSD", "USDC", "USDP", "USDT"})
PERPETUAL = "LinearPerpetual"
SETTLED_IN = frozenset({"USDT"})
