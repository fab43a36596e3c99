"""What keyless Ethereum nodes declare."""

from collections.abc import Mapping

from pipelines.http.client import Budget

BASE_URL = "https://ethereum-rpc.publicnode.com"
# asked in this order, when the one before cannot be used; none promises to be there
MIRRORS = (
    "https://eth.drpc.org",
    "https://1rpc.io/eth",
    "https://eth.merkle.io",
    "https://eth.llamarpc.com",
)
BUDGET = Budget(requests_per_second=3.0, burst=3)
# finalized blocks never change
LOOK_BACK_D = 1
LICENCE = "public chain; each node's terms of use"

# calls of one POST: sizes are not published, twenty were never refused
BATCH_CALLS = 20
# blocks of one eth_getLogs: nodes allow from 800 to 50,000 and say so only when they refuse
FIRST_RANGE = 2_000
# mints and burns are two filters: a topic cannot say "from or to"
CALLS_OF_A_RANGE = 2
MAX_RANGE = 10_000
# what a run's requests are planned with: most nodes allow more
PLANNED_RANGE = 800
BLOCKS_OF_A_DAY = 7_200
PLANNED_STEPS = 12
# a node that allows less than this is left for the next, if there is one
USEFUL_RANGE = 100
# answers with fewer logs than this let the next range grow
FEW_LOGS = 1_000

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
ZERO_TOPIC = "0x" + "0" * 64
ZERO_ADDRESS = "0x" + "0" * 40
SELECTORS: Mapping[str, str] = {
    "total_supply": "0x18160ddd",
    "decimals": "0x313ce567",
    "symbol": "0x95d89b41",
}
