"""What DefiLlama's yields API declares."""

from pipelines.http import Budget

BASE_URL = "https://yields.llama.fi"
# no number is published; two a second has never been refused
BUDGET = Budget(requests_per_second=2.0, burst=2)
# the last record of a day replaces the earlier ones of that day
LOOK_BACK_D = 3
LICENCE = "DefiLlama API terms: free use with attribution"

# pools whose history is asked for: of curated projects the largest, from this size on, in dollars
POOL_FROM_USD = 10_000_000
MAX_POOLS = 150
