"""What DefiLlama's price API declares."""

from pipelines.http.client import Budget

BASE_URL = "https://coins.llama.fi"
# no number is published; two a second has never been refused
BUDGET = Budget(requests_per_second=2.0, burst=2)
LOOK_BACK_D = 3
LICENCE = "DefiLlama API terms: free use with attribution"

# coins are named by CoinGecko's ids: coingecko:bitcoin
PREFIX = "coingecko:"
# coins times days of one request
MAX_POINTS = 500
# coins whose names fit into one URL
BATCH_COINS = 50
# how far from midnight a price may have been taken, hours
SEARCH_WIDTH_H = 4
