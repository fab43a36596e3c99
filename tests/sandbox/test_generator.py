"""The generated market: the same every time, believable, and honest about its truth."""

import itertools
import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from pipelines.sandbox.dataset import Dataset, load
from pipelines.sandbox.generate import GenerateError, GeneratorSettings, generate
from pipelines.sandbox.generator.exchanges import EXCHANGES

TINY = GeneratorSettings(start=date(2024, 1, 1), end=date(2024, 4, 30), assets=15, stablecoins=7)


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The market of the first README command."""
    return load(generate(GeneratorSettings(), tmp_path_factory.mktemp("sandbox") / "default"))


@pytest.fixture(scope="module")
def priced(default: Dataset) -> pl.DataFrame:
    """Every candle of a complete day in USD, at the true price of its quote, beside the truth."""
    truth = default.table("truth/price").collect()
    markets = default.table("markets").collect()
    candles = (
        default.table("candles")
        .filter(~pl.col("is_deleted").fill_null(False))
        .collect()
        .sort("known_at", nulls_last=False)
        .unique(["venue", "symbol", "open_time"], keep="last", maintain_order=True)
        .with_columns(day=pl.col("open_time").dt.date())
        .join(markets.drop("known_at", "is_deleted"), on=["venue", "symbol"])
        .filter(
            pl.col("day") >= pl.col("listed_day"),
            pl.col("delisted_day").is_null() | (pl.col("day") <= pl.col("delisted_day")),
        )
    )
    quotes = truth.select(quote_asset_id="asset_id", day="day", quote_usd="close_usd")
    return (
        candles.join(quotes, on=["quote_asset_id", "day"], how="left")
        .with_columns(
            quote_usd=pl.when(pl.col("quote_asset_id") == "fiat-usd")
            .then(1.0)
            .otherwise("quote_usd")
        )
        .join(truth.rename({"asset_id": "base_asset_id"}), on=["base_asset_id", "day"])
        .with_columns(
            error_bps=(pl.col("close") * pl.col("quote_usd") / pl.col("close_usd") - 1) * 1e4,
            usd=pl.col("volume_base") * pl.col("close") * pl.col("quote_usd"),
        )
    )


def _content(folder: Path) -> dict[str, object]:
    tables = {
        str(path.relative_to(folder)): pl.read_parquet(path).hash_rows().sort().to_list()
        for path in sorted(folder.rglob("*.parquet"))
    }
    return {**tables, "dataset.json": (folder / "dataset.json").read_text()}


def test_the_same_settings_give_the_same_files(tmp_path: Path) -> None:
    first = _content(generate(TINY, tmp_path / "a"))
    assert _content(generate(TINY, tmp_path / "b")) == first
    other = generate(TINY.model_copy(update={"seed": 8}), tmp_path / "c")
    assert _content(other)["candles.parquet"] != first["candles.parquet"]


def test_the_files_have_exactly_the_layout(default: Dataset) -> None:
    for name, paths in default.files.items():
        assert pl.read_parquet_schema(paths[0]) == default.table(name).collect_schema(), name
    assert default.warnings == ()


def test_a_new_dataset_replaces_an_old_one_but_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "market"
    generate(TINY, out)
    (out / "left-over.parquet").write_bytes(b"")
    generate(TINY, out)
    assert not (out / "left-over.parquet").exists()
    shutil.rmtree(out)
    out.mkdir()
    (out / "thesis.doc").write_text("years of work")
    with pytest.raises(GenerateError, match="is no dataset: nothing was written"):
        generate(TINY, out)
    assert (out / "thesis.doc").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"assets": 3},
        {"venues": len(EXCHANGES) + 1},
        {"stablecoins": 2},
        {"end": date(2023, 11, 30)},
        {"typo": 1},
    ],
)
def test_settings_without_room_for_the_defects_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GeneratorSettings(**changes)


@pytest.mark.parametrize("venues", [1, 2, len(EXCHANGES)])
def test_other_numbers_of_venues_make_a_valid_dataset(tmp_path: Path, venues: int) -> None:
    dataset = load(generate(TINY.model_copy(update={"venues": venues}), tmp_path / "d"))
    listed = dataset.table("markets").collect()
    assert listed["venue"].n_unique() == venues
    traded = set(listed["base_asset_id"])
    assets = dataset.table("assets").filter(pl.col("asset_class") != "fiat").collect()
    unlisted = set(assets["asset_id"]) - traded
    single = {"usd-coin", "tether-gold", "vnx-gold", "magic-internet-money", "terrausd"}
    assert unlisted <= single, unlisted


def test_the_default_has_the_sizes_that_the_marts_need(default: Dataset) -> None:
    assets = default.table("assets").collect()
    counts = dict(assets.group_by("asset_class").len().iter_rows())
    assert counts["coin"] + counts["token"] + counts["wrapped"] == 73
    assert default.table("stablecoins").collect()["stablecoin_id"].n_unique() == 12
    assert set(default.table("markets").collect()["venue"]) == {"binance", "coinbase", "kraken"}
    contracts = default.table("perpetuals").collect()
    assert contracts["base_asset_id"].n_unique() == 10
    assert set(contracts["venue"]) == {"binance_futures", "okx", "bybit"}
    assert (default.end - default.start).days + 1 == 1096


def test_prices_are_believable(default: Dataset) -> None:
    truth = default.table("truth/price").collect()
    bitcoin = truth.filter(pl.col("asset_id") == "bitcoin")["close_usd"]
    assert 25_000 < bitcoin.min() < bitcoin.max() < 140_000
    returns = bitcoin.log().diff().drop_nulls()
    assert 0.018 < returns.std() < 0.035
    assert returns.kurtosis() > 2, "tails must be fatter than a normal's"
    size = returns.abs()
    clustering = pl.DataFrame({"a": size[5:], "b": size[:-5]}).select(pl.corr("a", "b")).item()
    assert clustering > 0.05, "volatility must cluster"
    wide = (
        truth.with_columns(pl.col("close_usd").log().diff().over("asset_id"))
        .pivot("asset_id", index="day", values="close_usd")
        .drop_nulls(["bitcoin", "ethereum"])
    )
    for asset_id in ("ethereum", "solana", "aave"):
        correlation = wide.select(pl.corr("bitcoin", asset_id)).item()
        assert 0.4 < correlation < 0.95, asset_id


def test_candles_hold_together(default: Dataset) -> None:
    candles = default.table("candles").filter(~pl.col("is_deleted").fill_null(False)).collect()
    broken = candles.filter(
        (pl.col("low") > pl.min_horizontal("open", "close"))
        | (pl.col("high") < pl.max_horizontal("open", "close"))
    )
    assert broken.is_empty(), broken.head(3)
    paid = candles.filter(pl.col("volume_base") > 0).with_columns(
        vwap=pl.col("volume_quote") / pl.col("volume_base")
    )
    planted = [("binance", "SOLUSDT"), ("binance", "USDEUSDT"), ("kraken", "SOLUSD")]
    outside = paid.filter(
        ((pl.col("vwap") < pl.col("low") * 0.9999) | (pl.col("vwap") > pl.col("high") * 1.0001))
        & ~pl.struct("venue", "symbol").map_elements(
            lambda key: (key["venue"], key["symbol"]) in planted, return_dtype=pl.Boolean
        )
    )
    assert outside.is_empty(), outside.head(3)


def test_venues_differ_from_the_truth_by_a_few_basis_points(priced: pl.DataFrame) -> None:
    planted = [("kraken", "SBXGRVUSD"), ("kraken", "SBXREDUSD")]
    quiet = priced.filter(pl.col("tag") == "ok", pl.col("volume_base") > 0)
    worst = quiet.select(
        median=pl.col("error_bps").abs().median(),
        p99=pl.col("error_bps").abs().quantile(0.99),
        most=pl.col("error_bps").abs().max(),
    ).row(0, named=True)
    assert worst["median"] < 2, worst
    assert worst["p99"] < 8, worst
    assert worst["most"] < 15, worst
    silent = priced.filter(pl.col("volume_base") == 0)
    assert set(silent.select("venue", "symbol").unique().iter_rows()) == set(planted)


def test_tagged_days_are_wrong_by_what_was_planted(priced: pl.DataFrame) -> None:
    wick = priced.filter(pl.col("tag") == "wick", pl.col("symbol") == "SOLUSDT")
    assert wick["error_bps"].to_list()[0] == pytest.approx(-2800, abs=15)
    lying = priced.filter(pl.col("tag") == "lying_venue", pl.col("symbol") == "SOLUSD")
    assert len(lying) == 5
    assert all(abs(error - 500) < 15 for error in lying["error_bps"])
    depegged = priced.filter(pl.col("tag") == "depegged_quote", pl.col("quote_code") == "USDC")
    at_par = depegged.with_columns(
        naive_bps=(pl.col("close") / pl.col("close_usd") - 1).abs() * 1e4
    )
    assert at_par["naive_bps"].max() > 300, "taking USDC for a dollar must cost something"
    assert depegged["error_bps"].abs().max() < 15


def test_days_without_data_are_tagged_so(default: Dataset, priced: pl.DataFrame) -> None:
    truth = default.table("truth/price").collect()
    missing = truth.join(
        priced.select(asset_id="base_asset_id", day="day"), on=["asset_id", "day"], how="anti"
    )
    tagged = truth.filter(pl.col("tag") == "no_data")
    assert set(missing.select("asset_id", "day").iter_rows()) == set(
        tagged.select("asset_id", "day").iter_rows()
    )
    gap = tagged.filter(pl.col("asset_id") == "sandbox-delisted")["day"].sort().to_list()
    assert [b - a for a, b in itertools.pairwise(gap)] == [timedelta(days=1)] * 4


def test_every_scenario_of_the_sources_is_listed(default: Dataset) -> None:
    listed = {scenario.id for scenario in default.scenarios}
    assert listed == {f"F-{number}" for number in range(1, 23)}
    for scenario in default.scenarios:
        assert scenario.what, scenario
        assert scenario.expect, scenario
        assert default.start <= scenario.from_ <= scenario.to, scenario
        assert scenario.to <= default.end + timedelta(days=1), scenario


def test_every_narrative_but_the_silent_one_has_a_basket_in_the_market(default: Dataset) -> None:
    """F-15: the silent one has members enough, and the market too few of them."""
    (scenario,) = [scenario for scenario in default.scenarios if scenario.id == "F-15"]
    seeds = Path(__file__).resolve().parents[2] / "dbt/seeds"
    (enough,) = pl.read_csv(seeds / "narrative/cfg_narrative.csv")["min_members"]
    traded = set(default.table("markets").collect()["base_asset_id"])
    members = (
        pl.read_csv(seeds / "identity/dim_asset_curated.csv", infer_schema=False)
        .select("asset_id", narrative_id=pl.col("narratives").str.split(";"))
        .explode("narrative_id")
        .drop_nulls()
        .group_by("narrative_id")
        .agg(all=pl.len(), here=pl.col("asset_id").is_in(traded).sum())
    )
    curated = pl.read_csv(seeds / "narrative/dim_narrative_curated.csv")["narrative_id"]
    assert set(members["narrative_id"]) == set(curated)
    poor = members.filter(pl.col("here") < enough)
    assert poor["narrative_id"].to_list() == [scenario.entity]
    assert poor["all"].item() >= enough


def test_the_tickers_that_the_field_writes_about_are_in_the_market(default: Dataset) -> None:
    wanted = {"AERO", "PENDLE", "ENA", "ZORA", "SKY", "SPK", "HYPE", "OKB", "MNT", "BLACK"}
    wanted |= {"CAKE", "VIRTUAL", "MORPHO", "USDE"}
    assert wanted <= set(default.table("markets").collect()["base_code"])


def test_token_events_tell_what_the_prices_show(default: Dataset) -> None:
    events = {
        (row["asset_id"], row["kind"]): row
        for row in default.table("token_events").collect().iter_rows(named=True)
    }
    split = events["sandbox-redenominated", "redenomination"]
    truth = default.table("truth/price").filter(pl.col("asset_id") == "sandbox-redenominated")
    prices = dict(truth.select("day", "close_usd").collect().iter_rows())
    day = split["effective_day"]
    across = prices[day] * split["ratio"] / prices[day - timedelta(days=1)]
    assert 0.7 < across < 1.4, "the return across the redenomination must be an ordinary one"
    reassigned = events["sandbox-vega-classic", "ticker_reassigned"]
    markets = default.table("markets").filter(pl.col("symbol") == "SBXVEGAUSDT").collect()
    assert markets.sort("listed_day")["base_asset_id"].to_list() == [
        "sandbox-vega-classic",
        "sandbox-vega",
    ]
    assert markets["listed_day"].max() == reassigned["effective_day"]
    last_days = default.table("markets").filter(pl.col("base_asset_id") == "sandbox-delisted")
    delisted = events["sandbox-delisted", "delist"]["effective_day"]
    assert set(last_days.collect()["delisted_day"]) == {delisted - timedelta(days=1)}


def test_supply_of_chains_adds_up_but_where_a_defect_was_planted(default: Dataset) -> None:
    daily = (
        default.table("stablecoin_daily")
        .filter(pl.col("known_at").is_null())
        .collect()
        .with_columns(is_total=pl.col("chain") == "__total__")
    )
    sums = daily.group_by("stablecoin_id", "day").agg(
        total=pl.col("circulating").filter("is_total").sum(),
        chains=pl.col("circulating").filter(~pl.col("is_total")).sum(),
        minted=pl.col("minted").filter("is_total").sum(),
        unreleased=pl.col("unreleased").filter("is_total").sum(),
    )
    off = sums.filter((pl.col("chains") / pl.col("total") - 1).abs() > 1e-9)
    restated = next(s for s in default.scenarios if s.id == "F-7" and s.entity == "usd-coin")
    assert set(off["stablecoin_id"]) <= {"2"}
    assert all(restated.from_ <= day <= restated.to for day in off["day"])
    unbalanced = sums.filter(
        ((pl.col("minted") - pl.col("unreleased")) / pl.col("total") - 1).abs() > 1e-9
    )
    assert set(unbalanced["stablecoin_id"]) <= {"2"}


def test_the_spiral_shows_in_supply_price_and_backing(default: Dataset) -> None:
    begin = next(
        s.from_ for s in default.scenarios if s.id == "F-18" and s.entity == "sandbox-nova-usd"
    )
    price = dict(
        default.table("truth/price")
        .filter(pl.col("asset_id") == "sandbox-nova-usd")
        .select("day", "close_usd")
        .collect()
        .iter_rows()
    )
    assert price[begin - timedelta(days=1)] == pytest.approx(1, abs=0.01)
    assert price[begin + timedelta(days=9)] < 0.1
    supply = dict(
        default.table("network_metrics")
        .filter(pl.col("asset") == "sbxnova", pl.col("metric") == "SplyCur")
        .select("day", "value")
        .collect()
        .iter_rows()
    )
    minted = supply[begin + timedelta(days=9)] / supply[begin - timedelta(days=1)]
    assert minted > 15
    backing = dict(
        default.table("truth/price")
        .filter(pl.col("asset_id") == "sandbox-nova")
        .select("day", "close_usd")
        .collect()
        .iter_rows()
    )
    lost = backing[begin + timedelta(days=9)] / backing[begin - timedelta(days=1)]
    assert minted * lost < 0.05, "what backs the coin dies with it, whatever is minted"


def test_rates_of_an_instant_are_the_closes_of_the_day_before(default: Dataset) -> None:
    metrics = (
        default.table("network_metrics")
        .filter(pl.col("asset") == "link", pl.col("metric").is_in(["PriceUSD", "ReferenceRateUSD"]))
        .collect()
        .pivot("metric", index="day", values="value")
        .sort("day")
        .with_columns(before=pl.col("PriceUSD").shift(1))
        .drop_nulls()
    )
    gap = (metrics["ReferenceRateUSD"] / metrics["before"] - 1).abs().max()
    assert gap < 0.001


def test_dataset_json_says_how_it_was_made(default: Dataset) -> None:
    meta = json.loads((default.path / "dataset.json").read_text())
    assert GeneratorSettings(**meta["settings"]) == GeneratorSettings()
    assert meta["now"] == "2026-11-01T06:00:00+00:00"


def test_venues_disagree_halt_and_delist_in_a_crash(default: Dataset) -> None:
    planted = {s.entity: s for s in default.scenarios if s.id == "F-22"}
    candles = (
        default.table("candles")
        .filter(pl.col("symbol").str.contains("SBXUSD"), pl.col("known_at").is_null())
        .collect()
        .with_columns(day=pl.col("open_time").dt.date())
    )
    closes = {
        (venue, day): close for venue, day, close in candles.select("venue", "day", "close").rows()
    }
    furthest = next(s for name, s in planted.items() if name.startswith("kraken:SBXUSD"))
    assert closes["kraken", furthest.to] < 0.75 * closes["coinbase", furthest.to]
    assert ("kraken", furthest.to + timedelta(days=1)) not in closes, "it delists in the crash"
    halted = next(s for name, s in planted.items() if name.startswith("binance:SBXUSD"))
    assert ("binance", halted.from_) not in closes
    assert ("binance", halted.to + timedelta(days=1)) in closes
    backing = dict(
        default.table("truth/price")
        .filter(pl.col("asset_id") == "sandbox-nova")
        .select("day", "close_usd")
        .collect()
        .iter_rows()
    )
    day = planted["sandbox-nova"].from_
    assert backing[day] < 0.06 * backing[day - timedelta(days=1)]
