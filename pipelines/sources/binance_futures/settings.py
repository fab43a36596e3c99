"""What Binance's public API of USD-margined futures declares."""

from pipelines.http.client import Budget

BASE_URL = "https://fapi.binance.com"
# funding: 500 requests in 5 minutes and address; open interest: 1000
BUDGET = Budget(requests_per_second=1.5, burst=5)
LOOK_BACK_D = 3
LICENCE = "Binance API terms: own use, no redistribution of raw data"

FUNDING_PAGE_ROWS = 1000
# settlements carry a few milliseconds of jitter, to either side
FUNDING_JITTER_MS = 30_000
OPEN_INTEREST_PERIOD = "1d"
PERIODS_S = {
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "2h": 7_200,
    "4h": 14_400,
    "6h": 21_600,
    "12h": 43_200,
    "1d": 86_400,
}
OPEN_INTEREST_PAGE_ROWS = 500
# "the latest 30 days", counted in milliseconds from now: an older start is refused
OPEN_INTEREST_REACH_D = 29
PERPETUAL = "PERPETUAL"
QUOTES = frozenset({"USDT"})
