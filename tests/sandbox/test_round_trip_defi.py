"""What market data, DeFi, chain and reference sources land is what the dataset holds."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock, Window
from pipelines.lake import landing
from pipelines.lake.catalog import read_rows, write_catalog
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import TABLES, Dataset, occurred_by
from pipelines.sources.defillama.settings import TOTAL

NAMES = (
    "blockchain_info",
    "coingecko",
    "coinmetrics_archive",
    "defillama",
    "defillama_coins",
    "defillama_yields",
    "ecb",
    "ethereum",
    "gold",
)
Rows = Callable[[str, str], pl.DataFrame]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> Settings:
    """A lake into which each source was landed once, the whole dataset."""
    found = Settings(
        data_dir=tmp_path_factory.mktemp("lake"), curation_dir=dataset.path, _env_file=None
    )
    window = Window(dataset.start, dataset.now.date())
    with SandboxServer(dataset) as server:
        served = found.model_copy(update={"sandbox_url": server.url})
        for name in NAMES:
            report = landing.land(name, window, served, FixedClock(dataset.now), "round-trip")
            assert (report.failures, report.refusals) == ((), ()), name
            assert report.quarantined == 0, name
    write_catalog(found)
    return found


@pytest.fixture
def rows(settings: Settings) -> Rows:
    def of(source: str, table: str) -> pl.DataFrame:
        declared = next(one for one in sources.tables(source) if one.name == table)
        return read_rows(settings, source, declared)

    return of


def known(dataset: Dataset, name: str) -> pl.DataFrame:
    """Return the rows as they are known at the dataset's own instant."""
    layout = TABLES[name]
    over = occurred_by(layout)
    instant = pl.col("known_at") if over is None else pl.coalesce("known_at", over)
    return (
        dataset.table(name)
        .with_columns(known=instant)
        .filter(pl.col("known").is_null() | (pl.col("known") <= dataset.now))
        .sort("known", nulls_last=False)
        .unique(layout.key, keep="last", maintain_order=True)
        .filter(~pl.col("is_deleted").fill_null(False))
        .collect()
    )


def same(stored: pl.DataFrame, landed: pl.DataFrame, key: list[str], value: str) -> None:
    """Assert that both have the same keys and, to the last digit or nearly, the same values."""
    joined = stored.select(*key, stored=value).join(
        landed.select(*key, landed=pl.col(value).cast(float)),
        on=key,
        how="full",
        coalesce=True,
        nulls_equal=True,
    )
    assert len(stored), "nothing to compare"
    assert len(joined) == len(stored) == len(landed), joined.filter(
        pl.col("stored").is_null() | pl.col("landed").is_null()
    ).head(5)
    apart = joined.filter(
        (pl.col("stored") - pl.col("landed")).abs() > 1e-9 * pl.col("stored").abs() + 1e-12
    )
    assert apart.is_empty(), apart.head(5)


def day_before(column: str) -> pl.Expr:
    return pl.col(column).dt.date() - timedelta(days=1)


def test_supplies_and_valuations(rows: Rows, dataset: Dataset) -> None:
    landed = rows("coingecko", "markets")
    stored = known(dataset, "coin_daily").filter(pl.col("day") == dataset.end)
    for name in ("circulating_supply", "total_supply", "max_supply"):
        same(
            stored.drop_nulls(name).rename({"coin": "coin_id"}),
            landed.drop_nulls(name),
            ["coin_id"],
            name,
        )
    ranks = landed.sort("market_cap_rank")["market_cap_usd"].to_list()
    assert ranks == sorted(ranks, reverse=True)
    assert landed["fully_diluted_valuation_usd"].null_count() == 0


@pytest.mark.parametrize(
    ("source", "table", "coin", "prefix"),
    [
        ("coingecko", "market_chart", "coin_id", ""),
        ("defillama_coins", "prices", "coin", "coingecko:"),
    ],
)
def test_closes(
    rows: Rows, dataset: Dataset, source: str, table: str, coin: str, prefix: str
) -> None:
    landed = rows(source, table).select(
        coin=pl.col(coin).str.strip_prefix(prefix),
        day=day_before("label_time"),
        price=pl.col("price_usd" if source == "coingecko" else "price"),
    )
    same(known(dataset, "coin_daily"), landed, ["coin", "day"], "price")


def test_categories(rows: Rows, dataset: Dataset) -> None:
    landed = rows("coingecko", "categories").rename({"market_cap_usd": "market_cap"})
    stored = known(dataset, "category_daily").filter(pl.col("day") == dataset.end)
    same(stored, landed, ["category_id"], "market_cap")


def test_protocol_tvl(rows: Rows, dataset: Dataset) -> None:
    landed = rows("defillama", "protocol_tvl").rename({"slug": "protocol", "tvl_usd": "tvl"})
    landed = landed.with_columns(day=day_before("label_time"))
    asked = known(dataset, "protocols")["protocol"].implode()
    stored = known(dataset, "protocol_daily").drop_nulls("tvl")
    of_protocols = landed.filter(pl.col("protocol").is_in(asked))
    by_chain = of_protocols.filter(pl.col("chain") != TOTAL)
    same(stored, by_chain, ["protocol", "chain", "day"], "tvl")
    totals = stored.group_by("protocol", "day").agg(pl.col("tvl").sum())
    same(totals, of_protocols.filter(pl.col("chain") == TOTAL), ["protocol", "day"], "tvl")


def test_a_familys_tvl_is_the_sum_of_its_members(rows: Rows, dataset: Dataset) -> None:
    landed = rows("defillama", "protocol_tvl").filter(
        pl.col("slug") == "uniswap", pl.col("chain") == TOTAL
    )
    members = known(dataset, "protocols").filter(pl.col("parent") == "uniswap")["protocol"]
    stored = (
        known(dataset, "protocol_daily")
        .filter(pl.col("protocol").is_in(members.implode()))
        .group_by("day")
        .agg(pl.col("tvl").sum())
    )
    landed = landed.select(day=day_before("label_time"), tvl="tvl_usd")
    same(stored, landed, ["day"], "tvl")


def test_what_protocols_hold(rows: Rows, dataset: Dataset) -> None:
    landed = rows("defillama", "protocol_tokens").rename({"slug": "protocol"})
    landed = landed.with_columns(day=day_before("label_time"))
    asked = known(dataset, "protocols")["protocol"].implode()
    landed = landed.filter(pl.col("protocol").is_in(asked))
    stored = known(dataset, "protocol_token_daily")
    same(stored, landed, ["protocol", "token", "day"], "amount")
    same(stored.rename({"value": "value_usd"}), landed, ["protocol", "token", "day"], "value_usd")


@pytest.mark.parametrize(
    ("metric", "column"),
    [
        ("dailyFees", "fees"),
        ("dailyRevenue", "revenue"),
        ("dailyHoldersRevenue", "holders_revenue"),
        ("dailyVolume", "dex_volume"),
    ],
)
def test_flows_of_protocols(rows: Rows, dataset: Dataset, metric: str, column: str) -> None:
    asked = known(dataset, "protocols")["protocol"].implode()
    landed = rows("defillama", "protocol_metrics").filter(
        pl.col("metric") == metric, pl.col("slug").is_in(asked), pl.col("chain") != TOTAL
    )
    landed = landed.select(
        "chain", protocol="slug", day=pl.col("day_time").dt.date(), **{column: "amount_usd"}
    )
    stored = known(dataset, "protocol_daily").drop_nulls(column)
    same(stored, landed, ["protocol", "chain", "day"], column)


def test_flows_of_chains_leave_out_gas_and_what_is_counted_twice(
    rows: Rows, dataset: Dataset
) -> None:
    listed = known(dataset, "protocols")
    counted = listed.filter(
        pl.col("category") != "Chain", ~pl.col("double_counted").fill_null(False)
    )["protocol"]
    landed = rows("defillama", "chain_metrics").filter(
        pl.col("metric") == "dailyFees", pl.col("chain") == "Ethereum"
    )
    stored = (
        known(dataset, "protocol_daily")
        .filter(pl.col("protocol").is_in(counted.implode()), pl.col("chain") == "Ethereum")
        .drop_nulls("fees")
        .group_by("day")
        .agg(pl.col("fees").sum())
    )
    landed = landed.select(day=pl.col("day_time").dt.date(), fees="amount_usd")
    same(stored, landed, ["day"], "fees")
    listing = rows("defillama", "metric_protocols").filter(pl.col("metric") == "dailyFees")
    assert "chain" in listing["protocol_type"].to_list(), "gas is in the list all the same"
    assert listing["is_double_counted"].any()


def test_tvl_of_chains_without_the_live_day(rows: Rows, dataset: Dataset) -> None:
    landed = rows("defillama", "chain_tvl").with_columns(
        day=day_before("label_time"), tvl="tvl_usd"
    )
    stored = known(dataset, "chains_daily").filter(pl.col("day") < dataset.end)
    asked = set(landed["chain"])
    assert {TOTAL, "Base", "Ink", "X Layer"} <= asked
    by_chain = landed.filter(pl.col("chain") != TOTAL)
    same(stored.filter(pl.col("chain").is_in(list(asked))), by_chain, ["chain", "day"], "tvl")
    totals = stored.group_by("day").agg(pl.col("tvl").sum())
    same(totals, landed.filter(pl.col("chain") == TOTAL), ["day"], "tvl")


def test_yields(rows: Rows, dataset: Dataset) -> None:
    landed = rows("defillama_yields", "pool_chart").with_columns(
        day=pl.col("day_time").dt.date(),
        apy_base="apy_base_pct",
        apy_reward="apy_reward_pct",
    )
    stored = known(dataset, "yield_daily").filter(pl.col("pool").is_in(list(set(landed["pool"]))))
    same(stored, landed, ["pool", "day"], "apy_base")
    same(
        stored.drop_nulls("apy_reward"),
        landed.drop_nulls("apy_reward"),
        ["pool", "day"],
        "apy_reward",
    )
    assert len(rows("defillama_yields", "pools")) == len(known(dataset, "yield_pools"))


def test_contracts(rows: Rows, dataset: Dataset) -> None:
    # curated contracts that this market does not have answer nothing
    landed = (
        rows("ethereum", "token_supply")
        .rename({"token": "address"})
        .filter(pl.col("total_supply").is_not_null())
    )
    stored = known(dataset, "token_daily").filter(pl.col("day") == dataset.end)
    same(stored, landed, ["address"], "total_supply")
    contracts = known(dataset, "tokens").sort("address")
    landed = landed.sort("address")
    assert landed["decimals"].to_list() == contracts["decimals"].to_list()
    assert landed["symbol"].to_list() == contracts["symbol"].to_list()


@pytest.mark.parametrize(("column", "kind"), [("from_address", "minted"), ("to_address", "burned")])
def test_mints_and_burns(rows: Rows, dataset: Dataset, column: str, kind: str) -> None:
    landed = rows("ethereum", "transfers").filter(pl.col(column) == "0x" + "0" * 40)
    landed = landed.select(address="token", day=pl.col("day_time").dt.date(), **{kind: "value"})
    stored = known(dataset, "token_daily").filter(pl.col(kind) > 0)
    same(stored, landed, ["address", "day"], kind)


def test_bitcoins_charts(rows: Rows, dataset: Dataset) -> None:
    landed = rows("blockchain_info", "charts").with_columns(day=pl.col("day_time").dt.date())
    stored = known(dataset, "network_metrics").drop_nulls("value")
    for chart, metric in (("n-transactions", "TxCnt"), ("total-bitcoins", "SplyCur")):
        same(
            stored.filter(
                pl.col("asset") == "btc", pl.col("metric") == metric, pl.col("day") <= dataset.end
            ),
            landed.filter(pl.col("chart") == chart),
            ["day"],
            "value",
        )


def test_the_archive(rows: Rows, dataset: Dataset) -> None:
    landed = rows("coinmetrics_archive", "asset_metrics").with_columns(day=pl.col("time").dt.date())
    stored = known(dataset, "network_metrics").filter(pl.col("day") <= dataset.end)
    same(stored.drop_nulls("value"), landed, ["asset", "metric", "day"], "value")


def test_currencies(rows: Rows, dataset: Dataset) -> None:
    landed = rows("ecb", "exchange_rates").with_columns(day=pl.col("day_time").dt.date())
    same(known(dataset, "fx_rates"), landed, ["currency", "day"], "units_per_eur")


def test_gold_is_londons_price_once_the_zloty_is_taken_out_again(
    rows: Rows, dataset: Dataset
) -> None:
    prices = rows("gold", "prices").select(
        published=pl.col("day_time").dt.date(), zloty=pl.col("pln_per_gram").cast(float)
    )
    rates = rows("gold", "currency_rates").select(
        day=pl.col("day_time").dt.date(), rate=pl.col("pln_per_unit").cast(float)
    )
    # the rule of pipelines/sources/gold/settings.py: of the working day before
    joined = prices.sort("published").join_asof(
        rates.sort("day"),
        left_on="published",
        right_on="day",
        strategy="backward",
        allow_exact_matches=False,
    )
    stored = known(dataset, "gold_daily").join(joined, on="day")
    assert len(stored) > 50
    ounce = stored["zloty"] * 31.1034768 / stored["rate"]
    # half a grosz in some five hundred zloty
    assert (ounce / stored["usd_per_ozt"] - 1).abs().max() < 2e-5
