"""The canonical price, from candles in the lake to the marts: one small market of hard days."""

# the queries are made of constants
from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from tests.models.lake_box import LakeBox, at, days
from tests.models.market import Market, constant, dollars

DAYS = days("2023-03-01", 20)
CRASH = date(2023, 3, 11)
USDC_AT_CRASH = 0.970647824663939

# earlier years of the same market, each with one story
SPLIT_DAYS = days("2020-08-15", 12)
SPLIT = date(2020, 8, 21)
ONE_VENUE_DAYS = days("2021-02-10", 5)
LUNA_DAYS = days("2022-05-20", 14)


def market() -> Market:
    """Return a market in which each asset has one thing to show."""
    town = Market()
    dollars(town, [*SPLIT_DAYS, *LUNA_DAYS, *DAYS])
    # USDC is quoted against bitcoin at one venue: 2.9 % below a dollar on one day
    town.add(
        "binance",
        "BTCUSDC",
        "BTC",
        "USDC",
        constant(DAYS, 40_000.0) | {CRASH: round(40_000 / USDC_AT_CRASH, 8)},
        volume_usd=5e7,
    )
    # three venues, one of them with a wick (F-1)
    for venue, symbol, quote, wick in (
        ("binance", "SOLUSDC", "USDC", 10.0),
        ("coinbase", "SOL-USD", "USD", 20.0),
        ("kraken", "SOLUSD", "USD", 20.0),
    ):
        town.add(venue, symbol, "SOL", quote, constant(DAYS, 20.0) | {DAYS[4]: wick})
    # quoted in what has no price at all
    town.add("binance", "ADATRY", "ADA", "TRY", constant(DAYS, 10.0))
    # quoted in USDC alone
    town.add("binance", "AVAXUSDC", "AVAX", "USDC", constant(DAYS, 15.0))
    # a hole of two days (F-4), then three days without any movement
    moving: dict[date, Any] = {day: 5.0 + number / 10 for number, day in enumerate(DAYS)}
    moving |= {DAYS[6]: None, DAYS[7]: None, DAYS[11]: 9.0, DAYS[12]: 9.0, DAYS[13]: 9.0}
    town.add("coinbase", "GRT-USD", "GRT", "USD", moving, is_volume_steady=True)
    # delisted, and known to be (F-6)
    town.add("coinbase", "XTZ-USD", "XTZ", "USD", constant(DAYS[:10], 3.0), is_trading=False)
    # a code that nobody has mapped
    town.add("coinbase", "NOBODY-USD", "NOBODY", "USD", constant(DAYS, 1.0), is_volume_steady=True)
    # low volume
    town.add("coinbase", "ALGO-USD", "ALGO", "USD", constant(DAYS, 0.2), volume_usd=500.0)
    # bitcoin is the quote
    town.add("binance", "LTCBTC", "LTC", "BTC", constant(DAYS, 0.002), volume_usd=1e3)
    # a bar that cannot be: the close is above the high
    impossible = {DAYS[5]: {"close": 10.0, "high": 9.0}}
    town.add("coinbase", "ATOM-USD", "ATOM", "USD", constant(DAYS, 10.0) | impossible)
    # an auction book with the currencies of another product, and more volume
    town.add("coinbase", "BTCAUCTION-USD", "BTC", "USD", constant(DAYS, 1.0), volume_usd=9e9)

    # DOT was split by 100; here its venue changed units on the day, EOS's had done so before
    split = {day: 50.0 if day < SPLIT else 0.5 for day in SPLIT_DAYS}
    town.add("coinbase", "DOT-USD", "DOT", "USD", split)
    town.add("coinbase", "EOS-USD", "EOS", "USD", constant(SPLIT_DAYS, 3.0))
    # the ticker LUNA went over to another asset on 2022-05-28 (F-5)
    luna = {day: 0.0001 if day < date(2022, 5, 28) else 9.0 for day in LUNA_DAYS}
    luna.pop(date(2022, 5, 27))
    town.add("coinbase", "LUNA-USD", "LUNA", "USD", luna)
    # some days with one venue and no dollar market at all
    town.add("binance", "BTCUSDT", "BTC", "USDT", constant(ONE_VENUE_DAYS, 30_000.0))
    town.add("binance", "BNBUSDT", "BNB", "USDT", constant(ONE_VENUE_DAYS, 50.0))
    return town


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    curation = shared_box.data_dir / "curation"
    curation.mkdir()
    pl.DataFrame(
        [{"asset_id": "eos", "kind": "redenomination", "effective_day": SPLIT, "ratio": 100.0}]
    ).write_parquet(curation / "token_events.parquet")
    shared_box.environment["TOKENMART_CURATION_DIR"] = str(curation)
    market().land(shared_box)
    shared_box.load(
        "defillama_stablecoins",
        {
            "prices": [
                # the label is the midnight after
                {"gecko_id": "tether", "day_time": at(f"{day}") + timedelta(days=1), "price": 0.99}
                for day in ONE_VENUE_DAYS[:-1]
            ]
        },
        fetched_at="2023-03-21T06:00:00",
    )
    shared_box.run("*")
    return shared_box


def prices(box: LakeBox, asset: str, column: str = "close_usd") -> dict[date, Any]:
    rows = box.query(f"select day, {column} from marts.price_daily where asset_id = '{asset}'")
    return dict(sorted(rows))


def within(found: dict[date, Any], span: list[date]) -> list[Any]:
    return [found[day] for day in span]


def test_a_price_in_usdc_is_converted_at_what_usdc_is_worth(box: LakeBox) -> None:
    """F-3: assuming a dollar would overstate the day by 302 bps."""
    assert prices(box, "usd-coin")[CRASH] == pytest.approx(USDC_AT_CRASH, abs=1e-9)
    assert prices(box, "avalanche-2")[CRASH] == pytest.approx(15 * USDC_AT_CRASH, rel=1e-9)
    assert prices(box, "avalanche-2")[DAYS[0]] == pytest.approx(15)


def test_bitcoin_is_priced_by_dollar_markets_alone(box: LakeBox) -> None:
    assert set(within(prices(box, "bitcoin"), DAYS)) == {40_000.0}
    rows = box.query(
        f"select distinct venue_id, exclusion_reason from marts.venue_quality_daily "
        f"where asset_id = 'bitcoin' and day >= '{DAYS[0]}' order by 1"
    )
    assert rows == [("binance", "quote_not_used"), ("coinbase", None), ("kraken", None)]


def test_a_wick_at_one_venue_is_rejected_and_reported(box: LakeBox) -> None:
    """F-1: the median of three stands, the quality falls to two venues."""
    assert prices(box, "solana")[DAYS[4]] == 20.0
    assert prices(box, "solana", "price_quality")[DAYS[4]] == "thin"
    assert prices(box, "solana", "price_quality")[DAYS[3]] == "ok"
    assert prices(box, "solana", "n_rejected")[DAYS[4]] == 1
    assert box.query(
        f"select venue_id, exclusion_reason from marts.venue_quality_daily "
        f"where asset_id = 'solana' and day = '{DAYS[4]}' and not is_accepted"
    ) == [("binance", "outlier")]
    assert box.query(
        f"select low_usd, low_any_usd from marts.ohlcv_daily "
        f"where asset_id = 'solana' and day = '{DAYS[4]}'"
    ) == [(20.0, 10.0)]


def test_without_a_price_of_the_quote_there_is_no_price(box: LakeBox) -> None:
    assert set(prices(box, "cardano").values()) == {None}
    assert set(prices(box, "cardano", "price_quality").values()) == {"missing"}
    assert box.query(
        "select distinct exclusion_reason from marts.venue_quality_daily where asset_id = 'cardano'"
    ) == [("quote_not_used",)]


def test_missing_days_are_rows_of_nulls(box: LakeBox) -> None:
    """The calendar is dense, nothing is filled in."""
    found = prices(box, "the-graph")
    assert list(found) == DAYS
    assert [day for day, close in found.items() if close is None] == [DAYS[6], DAYS[7]]
    assert prices(box, "the-graph", "volume_usd")[DAYS[6]] is None


def test_three_days_without_movement_are_stale(box: LakeBox) -> None:
    """The third identical close with the same volume."""
    stale = [day for day, flag in prices(box, "the-graph", "is_stale").items() if flag]
    assert stale == [DAYS[13]]
    assert prices(box, "the-graph", "price_quality")[DAYS[13]] == "stale"


def test_a_delisted_asset_keeps_its_rows_and_gets_no_new_ones(box: LakeBox) -> None:
    assert list(prices(box, "tezos")) == DAYS[:10]


def test_what_nobody_mapped_is_listed_with_its_volume(box: LakeBox) -> None:
    """An unknown id is never dropped in silence."""
    rows = box.query(
        "select failed_row_count, detail from marts.ops_check_result "
        "where check_name = 'unmapped_source_id'"
    )
    assert rows == [(1, "coinbase base NOBODY (20 rows, 20000000.0 USD)")]
    assert box.query("select count(*) from marts.dim_asset where symbol = 'NOBODY'") == [(0,)]


def test_a_venue_with_hardly_any_volume_does_not_vote(box: LakeBox) -> None:
    assert set(prices(box, "algorand").values()) == {None}
    assert box.query(
        "select distinct exclusion_reason, is_eligible from marts.venue_quality_daily "
        "where asset_id = 'algorand'"
    ) == [("low_volume", False)]


def test_a_price_in_bitcoin_has_no_high_in_dollars(box: LakeBox) -> None:
    rows = box.query(
        "select distinct close_usd, high_usd, low_usd from marts.ohlcv_daily "
        "where asset_id = 'litecoin'"
    )
    assert rows == [(80.0, None, None)]


def test_an_impossible_bar_is_not_believed(box: LakeBox) -> None:
    assert prices(box, "cosmos")[DAYS[5]] is None
    assert prices(box, "cosmos")[DAYS[6]] == 10.0


def test_an_auction_book_is_not_a_market(box: LakeBox) -> None:
    assert box.query(
        f"select count(*) from marts.price_daily where asset_id = 'bitcoin' "
        f"and day >= '{DAYS[0]}' and close_usd != 40000"
    ) == [(0,)]


def test_a_market_that_never_closes_opens_where_it_closed(box: LakeBox) -> None:
    """Yesterday's canonical close, where the same venues count."""
    bars = box.frame(
        "select day, open_usd, close_usd from marts.ohlcv_daily "
        "where asset_id = 'the-graph' order by day"
    )
    pairs = bars.with_columns(before=pl.col("close_usd").shift(1)).drop_nulls()
    assert pairs["open_usd"].to_list() == pairs["before"].to_list()


def test_a_reused_ticker_belongs_to_each_asset_in_its_days(box: LakeBox) -> None:
    """F-5: nothing chains the new LUNA onto the old one."""
    old, new = prices(box, "terra-luna"), prices(box, "terra-luna-2")
    last = max(day for day, close in old.items() if close is not None)
    assert (set(old.values()), last) == ({0.0001, None}, date(2022, 5, 26))
    assert (set(within(new, LUNA_DAYS[8:])), min(new)) == ({9.0}, date(2022, 5, 28))
    assert box.query(
        "select max(abs(ret_1d)) from marts.returns_risk_daily where asset_id like 'terra-luna%'"
    ) == [(0.0,)]


def test_the_end_of_a_code_is_not_the_end_of_the_asset(box: LakeBox) -> None:
    """F-5: it may go on under a new code: the days between are missing, not gone."""
    old = prices(box, "terra-luna")
    assert max(old) == DAYS[-1]
    assert len(old) == (DAYS[-1] - LUNA_DAYS[0]).days + 1
    quality = box.query(
        "select distinct price_quality from marts.price_daily "
        "where asset_id = 'terra-luna' and day > '2022-05-26'"
    )
    assert quality == [("missing",)]


@pytest.mark.parametrize(
    ("asset", "case"),
    [
        ("polkadot", "its venue changed units on the day"),
        ("eos", "its venue had changed before: the ratio must not make a break"),
    ],
)
def test_a_change_of_units_is_no_return(box: LakeBox, asset: str, case: str) -> None:
    """F-5: the return across it is that of what one original unit is worth."""
    rows = box.query(
        f"select day, ret_1d, ret_7d, drawdown_frac from marts.returns_risk_daily "
        f"where asset_id = '{asset}' and day <= '{SPLIT_DAYS[-1]}' order by day"
    )
    assert [row[1] for row in rows[1:]] == pytest.approx([0.0] * 11), case
    assert [row[2] for row in rows[7:]] == pytest.approx([0.0] * 5), case
    assert [row[3] for row in rows] == pytest.approx([0.0] * 12), case


def test_days_without_dollar_markets_are_priced_by_a_reference_of_the_quote(box: LakeBox) -> None:
    """Replay of one venue's USDT markets: tether's reference carries them, then its parity."""
    expected = [29_700.0] * 4 + [30_000.0]
    assert within(prices(box, "bitcoin"), ONE_VENUE_DAYS) == pytest.approx(expected)
    expected = [49.5] * 4 + [50.0]
    assert within(prices(box, "binancecoin"), ONE_VENUE_DAYS) == pytest.approx(expected)
    for column, values in (
        ("quote_basis", ["reference"] * 4 + ["parity"]),
        ("evidence", ["single_venue"] * 5),
    ):
        assert within(prices(box, "binancecoin", column), ONE_VENUE_DAYS) == values


def test_what_was_backfilled_is_said_to_be_assumed(box: LakeBox) -> None:
    """A row loaded more than a week after its day was not known then."""
    basis = prices(box, "solana", "pit_basis")
    captured = [day for day, value in basis.items() if value == "captured"]
    assert captured == DAYS[-7:]
    assert set(basis.values()) == {"captured", "assumed"}


@pytest.mark.slow
def test_every_data_test_holds_on_it(box: LakeBox) -> None:
    """Warnings are what this market is made of; nothing may be an error."""
    result = box.dbt("test", "--exclude", "test_type:unit")
    warned = {item.node.name for item in result.result.results if item.status == "warn"}
    assert {"assert_source_ids_are_mapped", "assert_prices_are_not_stale"} <= warned


@pytest.mark.slow
def test_a_build_again_changes_nothing(box: LakeBox) -> None:
    """The same lake gives the same bits, from the same warehouse or a new one."""
    tables = ("price_daily", "ohlcv_daily", "venue_quality_daily", "returns_risk_daily")

    def content() -> dict[str, list[tuple[Any, ...]]]:
        return {name: box.query(f"select * from marts.{name} order by all") for name in tables}

    first = content()
    box.run("+venue_quality_daily +returns_risk_daily +ohlcv_daily +price_daily")
    assert content() == first
    box.drop_warehouse()
    box.run("+venue_quality_daily +returns_risk_daily +ohlcv_daily +price_daily")
    assert content() == first


@pytest.mark.slow
def test_a_running_day_has_no_row(seeded_box: LakeBox) -> None:
    """At 13:00 the day's candle is open; yesterday is final, two hours after its end."""
    span = days("2024-01-01", 3)
    town = Market()
    dollars(town, span)
    for instant, expected in (
        ("2024-01-03T13:00:00", {span[0]: True, span[1]: True}),
        ("2024-01-04T01:00:00", {span[0]: True, span[1]: True, span[2]: False}),
        ("2024-01-04T06:00:00", {span[0]: True, span[1]: True, span[2]: True}),
    ):
        town.land(seeded_box, at(instant))
        seeded_box.run("+price_daily")
        assert prices(seeded_box, "bitcoin", "is_final") == expected, instant


@pytest.mark.slow
def test_a_venue_that_was_seen_trading_is_missing_before_it_is_over(seeded_box: LakeBox) -> None:
    """Days after the last candle are gaps until the venue's list says that trading stopped."""
    span = days("2024-01-01", 6)
    town = Market()
    dollars(town, span)
    town.add("coinbase", "XTZ-USD", "XTZ", "USD", constant(span[:2], 3.0))
    town.land(seeded_box, last=span[3])
    seeded_box.run("+price_daily")
    assert prices(seeded_box, "tezos") == dict(zip(span, [3.0, 3.0, None, None], strict=False))
    town.listings["coinbase"][-1]["status"] = "delisted"
    town.land(seeded_box, last=span[-1])
    seeded_box.run("+price_daily")
    assert max(prices(seeded_box, "tezos")) == span[-1] - timedelta(days=0)
