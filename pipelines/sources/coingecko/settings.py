"""What CoinGecko's public API declares."""

from pipelines.http.client import Budget

BASE_URL = "https://api.coingecko.com/api/v3"
# without a key 5 to 15 requests a minute are answered (no official number); with a free demo key
# 30 at the least: set TOKENMART_SOURCES__COINGECKO__REQUESTS_PER_SECOND=0.5 beside it
BUDGET = Budget(requests_per_second=0.1)
KEY_HEADER = "x-cg-demo-api-key"
LOOK_BACK_D = 3
LICENCE = "CoinGecko API terms: attribution, no redistribution of raw data"

CURRENCY = "usd"
PAGE_ROWS = 250
# the thousand largest coins: what nobody curated is listed by size
TOP_PAGES = 4
# ids that fit into one URL
BATCH_COINS = 100
# the free API answers for a year: older ranges are refused (401, code 10012)
REACH_D = 365
# a range of more than 90 days has one point a day, at 00:00 UTC; a shorter one has hourly points
DAILY_FROM_D = 92
