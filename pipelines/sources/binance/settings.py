"""What Binance's public spot API declares."""

from pipelines.http.client import Budget

BASE_URL = "https://data-api.binance.vision"
# the same paths, for where the first cannot be used
MIRRORS = ("https://api-gcp.binance.com", "https://api.binance.com")
# 6000 weight a minute and address, klines cost 2: half of it leaves room for others behind it
BUDGET = Budget(requests_per_second=25.0, burst=10)
LOOK_BACK_D = 3
LICENCE = "Binance API terms: own use, no redistribution of raw data"

PAGE_ROWS = 1000

FILES_URL = "https://data.binance.vision"
# no number is published
FILES_BUDGET = Budget(requests_per_second=8.0, burst=8)
# a file and its checksum
FILE_REQUESTS = 2
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
