"""DefiLlama's stablecoins: the coins, their prices, and the charts of chains."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.sandbox.server import stablecoin_charts, stablecoins
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.state import State

NAME = "defillama_stablecoins"


def _examples(state: State) -> Iterator[tuple[str, str]]:
    if state.dataset.has("stablecoins"):
        yield f"/{NAME}/stablecoins", "DefiLlama: stablecoins"
        coin = state.dataset.table("stablecoins").select("stablecoin_id").first().collect()
        if len(coin):
            yield f"/{NAME}/stablecoin/{coin.item()}", "DefiLlama: one coin's history"
        yield f"/{NAME}/stablecoinprices", "DefiLlama: daily prices"


MOUNT = Mount(
    name=NAME,
    handlers={
        "/stablecoins": stablecoins.stablecoins,
        "/stablecoin/{coin_id}": stablecoins.stablecoin,
        "/stablecoinprices": stablecoins.prices,
        "/stablecoincharts/{chain}": stablecoin_charts.chart,
        "/stablecoinchains": stablecoin_charts.chains,
    },
    limit=Limit(300, 60),
    examples=_examples,
)
