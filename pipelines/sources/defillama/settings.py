"""What DefiLlama's main API declares."""

from collections.abc import Mapping

from pipelines.http.client import Budget

BASE_URL = "https://api.llama.fi"
# no number is published; third parties saw about 300 a minute
BUDGET = Budget(requests_per_second=2.0, burst=2)
# adapters are refilled and TVL is recomputed weeks back; answers hold whole histories anyway
LOOK_BACK_D = 30
LICENCE = "DefiLlama API terms: free use with attribution"

TOTAL = "__total__"
# protocols that nobody curated are asked for from this size on, in dollars, their family together
UNCURATED_FROM_USD = 1_000_000_000
# so many of them, the largest
MAX_UNCURATED = 100
# custody of exchanges is no protocol's TVL
UNASKED_CATEGORIES = frozenset({"CEX"})
# protocols without a token of their own, which therefore no list of assets can name
TOKENLESS = frozenset({"farcaster", "letsbonk.fun", "project-x", "spark"})
# chains are asked for from this size on, in dollars, and these whatever their size
CHAIN_FROM_USD = 500_000_000
# so many of them, the largest
MAX_UNCURATED_CHAINS = 50
CHAINS = frozenset(
    {
        "Arbitrum",
        "Avalanche",
        "BSC",
        "Base",
        "Ethereum",
        "Hyperliquid L1",
        "Ink",
        "Mantle",
        "Solana",
        "X Layer",
    }
)
# for each data type the overview (and summary) that has it
METRICS: Mapping[str, str] = {
    "dailyFees": "fees",
    "dailyRevenue": "fees",
    "dailyHoldersRevenue": "fees",
    "dailyVolume": "dexs",
}
