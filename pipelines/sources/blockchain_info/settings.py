"""What blockchain.com's charts API declares."""

from pipelines.http import Budget

BASE_URL = "https://api.blockchain.info"
# no number is published: one request in two seconds, seven a run
BUDGET = Budget(requests_per_second=0.5)
LOOK_BACK_D = 7
LICENCE = "Blockchain.com API terms: free use with attribution"

# all of Bitcoin; daily
CHARTS = (
    "difficulty",
    "hash-rate",
    "market-price",
    "n-transactions",
    "n-unique-addresses",
    "total-bitcoins",
    "transaction-fees",
)
