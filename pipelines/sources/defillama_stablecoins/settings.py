"""What DefiLlama's stablecoin API declares."""

from datetime import UTC, datetime

from pipelines.http.client import Budget

BASE_URL = "https://stablecoins.llama.fi"
# no number is published; two a second has never been refused
BUDGET = Budget(requests_per_second=2.0, burst=2)
# whole histories come with every answer, and adapters are refilled weeks back
LOOK_BACK_D = 30
LICENCE = "DefiLlama API terms: free use with attribution"

# coins that nobody curated are asked for from this size on, in dollars
UNCURATED_FROM_USD = 50_000_000
# so many of them, the largest
MAX_UNCURATED = 200
# chains are asked for from this size on, in dollars
CHAIN_FROM_USD = 100_000_000
# so many of them, the largest
MAX_CHAINS = 100
TOTAL = "__total__"
# how charts name the sum of all chains
ALL = "all"
# since then every amount of the list is in dollars, at today's price; before in native units
IN_USD_FROM = datetime(2025, 12, 1, tzinfo=UTC)
