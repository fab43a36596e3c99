"""Six venues, one price: each venue's own columns, and what eligibility makes of them."""

# the queries are made of constants
from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.models.lake_box import LakeBox, at, days
from tests.models.market import Market, constant, dollars

DAYS = days("2023-06-01", 50)
# (venue, symbol, code, quote) of one asset that all venues list
EVERY = (
    ("binance", "SOLUSDT", "SOL", "USDT"),
    ("coinbase", "SOL-USD", "SOL", "USD"),
    ("kraken", "SOLUSD", "SOL", "USD"),
    ("okx", "SOL-USDT", "SOL", "USDT"),
    ("bybit", "SOLUSDT", "SOL", "USDT"),
    ("bitstamp", "solusd", "SOL", "USD"),
    ("gateio", "SOL_USDT", "SOL", "USDT"),
)
SPLIT = DAYS[25]
JUMP = DAYS[30]
LISTED = DAYS[15]
# of okx against three others that agree: out beyond 0.5 %, back below half of it
OFF = {DAYS[10]: 1.02, DAYS[11]: 1.004, DAYS[12]: 1.003, DAYS[13]: 1.002, DAYS[14]: 1.004}


def units(day: date, **first: float) -> dict[str, float]:
    """Return a bar around 300 before the split and around 3 after it; `first` is the split's."""
    unit = 300.0 if day < SPLIT else 3.0
    bar = {"close": unit, "open": unit, "high": round(unit * 1.02, 6), "low": round(unit * 0.98, 6)}
    return bar | (first if day == SPLIT else {})


def market() -> Market:
    town = Market()
    dollars(town, DAYS)
    for venue, symbol in (("coinbase", "ADA-USD"), ("kraken", "ADAUSD"), ("bitstamp", "adausd")):
        town.add(venue, symbol, "ADA", "USD", constant(DAYS, 2.0))
    town.add(
        "okx", "ADA-USDT", "ADA", "USDT", {day: round(2.0 * OFF.get(day, 1), 6) for day in DAYS}
    )
    # one venue with all of the volume, one with 0.4 % of it, one that lists later
    town.add("coinbase", "LTC-USD", "LTC", "USD", constant(DAYS, 50.0), volume_usd=5e6)
    town.add("bitstamp", "ltcusd", "LTC", "USD", constant(DAYS, 60.0), volume_usd=2e4)
    town.add("kraken", "LTCUSD", "LTC", "USD", constant(DAYS[15:], 50.0))
    # two venues that disagree by 3 %, for two days
    for venue, symbol, close in (("coinbase", "ATOM-USD", 10.3), ("kraken", "ATOMUSD", 10.0)):
        apart = {DAYS[20]: close, DAYS[21]: close}
        town.add(venue, symbol, "ATOM", "USD", constant(DAYS, 10.0) | apart)
    # times four for a day at one venue, times two and a half, and times four at two venues
    town.add("coinbase", "GRT-USD", "GRT", "USD", constant(DAYS, 5.0) | {JUMP: 20.0})
    town.add("coinbase", "FIL-USD", "FIL", "USD", constant(DAYS, 5.0) | {JUMP: 12.5})
    for venue, symbol in (("coinbase", "AVAX-USD"), ("kraken", "AVAXUSD")):
        town.add(venue, symbol, "AVAX", "USD", constant(DAYS, 5.0) | {JUMP: 20.0})
    # a hundred new for an old one: bars in the new units, and one that holds both
    bars = {day: units(day) for day in DAYS}
    mixed = {day: units(day, open=300.0, high=306.0) for day in DAYS}
    for venue, symbol in (("coinbase", "EOS-USD"), ("kraken", "EOSUSD")):
        town.add(venue, symbol, "EOS", "USD", bars)
    town.add("coinbase", "XLM-USD", "XLM", "USD", mixed)
    # down to nothing, and over: the venue is silent after it
    dying = {day: round(max(0.5**number, 1e-9), 12) for number, day in enumerate(DAYS[:40])}
    town.add("coinbase", "XTZ-USD", "XTZ", "USD", dying, is_trading=False)
    for number, (venue, symbol, code, quote) in enumerate(EVERY):
        closes = constant(DAYS, 20.0 + number / 100)
        town.add(venue, symbol, code, quote, closes, is_trading=venue != "bitstamp")
    return town


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    curation = shared_box.data_dir / "curation"
    curation.mkdir()
    pl.DataFrame(
        [
            {"asset_id": asset, "kind": kind, "effective_day": day, "ratio": ratio}
            for asset, kind, day, ratio in (
                ("eos", "redenomination", SPLIT, 100.0),
                ("stellar", "redenomination", SPLIT, 100.0),
                ("tezos", "dead", DAYS[40], None),
            )
        ]
    ).write_parquet(curation / "token_events.parquet")
    shared_box.environment["TOKENMART_CURATION_DIR"] = str(curation)
    market().land(shared_box)
    shared_box.run(
        "+ohlcv_daily +venue_quality_daily +dim_venue +ops_freshness +technical_daily "
        "+ops_check_result"
    )
    return shared_box


def column(box: LakeBox, asset: str, name: str, mart: str = "price_daily") -> dict[date, Any]:
    return dict(
        box.query(f"select day, {name} from marts.{mart} where asset_id = '{asset}' order by day")
    )


def test_every_venue_has_its_say_in_the_canonical_price(box: LakeBox) -> None:
    """With equal volumes the price is the middle one of seven."""
    assert set(column(box, "solana", "n_venues").values()) == {7}
    assert set(column(box, "solana", "close_usd").values()) == {20.03}
    assert box.query(
        "select venue_id, symbol, close_usd from intermediate.int_venue_price_daily "
        f"where asset_id = 'solana' and day = '{DAYS[0]}' and is_accepted order by close_usd"
    ) == [(venue, symbol, 20.0 + n / 100) for n, (venue, symbol, _, _) in enumerate(EVERY)]
    volume = column(box, "solana", "volume_usd")[DAYS[0]]
    assert volume == pytest.approx(len(EVERY) * 1e6 * (1 + DAYS[0].toordinal() % 7 / 100), rel=1e-6)


def test_every_venue_is_a_venue_with_a_source(box: LakeBox) -> None:
    rows = box.query(
        "select venue_id, source, last_day from marts.dim_venue where market_count > 0"
    )
    assert sorted(rows) == sorted((venue, venue, DAYS[-1]) for venue, *_ in EVERY)


def test_every_venue_is_reported_fresh(box: LakeBox) -> None:
    """Each of them is as fresh as it declares."""
    rows = box.query(
        "select subject from marts.ops_freshness "
        "where subject_kind = 'source' and status = 'fresh' order by 1"
    )
    assert [name for (name,) in rows] == [
        "binance.klines",
        "bitstamp.ohlc",
        "bybit.kline",
        "coinbase.candles",
        "gateio.candlesticks",
        "kraken.ohlc",
        "okx.history_candles",
    ]


def test_what_a_venue_stopped_trading_is_known_to_be_over(box: LakeBox) -> None:
    rows = box.query(
        "select venue_id, is_trading from intermediate.int_market_identity "
        "where base_code = 'SOL' order by 1"
    )
    assert rows == [(venue, venue != "bitstamp") for venue in sorted(v for v, *_ in EVERY)]


def venue_days(box: LakeBox, asset: str, venue: str, name: str) -> dict[date, Any]:
    return dict(
        box.query(
            f"select day, {name} from marts.venue_quality_daily "
            f"where asset_id = '{asset}' and venue_id = '{venue}' order by day"
        )
    )


def test_a_venue_that_was_out_stays_out_until_it_is_within_half(box: LakeBox) -> None:
    """2 % is out; 0.4 % and 0.3 % would be in, but only below 0.25 % it comes back."""
    reasons = venue_days(box, "cardano", "okx", "exclusion_reason")
    assert [reasons[day] for day in DAYS[9:16]] == [
        None,
        "outlier",
        "outlier_hold",
        "outlier_hold",
        None,
        None,
        None,
    ]
    assert column(box, "cardano", "n_rejected")[DAYS[11]] == 1
    assert set(column(box, "cardano", "close_usd").values()) == {2.0}


def test_volume_is_of_accepted_venues_and_a_rejected_one_leaves_no_dip(box: LakeBox) -> None:
    """Three of four venues. The fourth traded all the same, nothing unusual happened."""
    volume = column(box, "cardano", "volume_usd")
    swing = 1e6 * (1 + DAYS[11].toordinal() % 7 / 100)
    assert volume[DAYS[11]] == pytest.approx(3 * swing, rel=1e-6)
    assert box.query(
        "select round(traded_volume_usd, 2) from intermediate.int_asset_price_daily "
        f"where asset_id = 'cardano' and day = '{DAYS[11]}'"
    ) == [(pytest.approx(4 * swing, rel=1e-6),)]


def test_dispersion_is_that_of_accepted_venues(box: LakeBox) -> None:
    """From 20.00 to 20.06; a rejected venue is not in it."""
    spread = column(box, "solana", "dispersion_bps")[DAYS[0]]
    assert spread == pytest.approx(1e4 * 0.06 / 20.03)
    assert column(box, "cardano", "dispersion_bps")[DAYS[10]] == 0


def test_a_venue_with_a_small_part_of_the_volume_does_not_vote(box: LakeBox) -> None:
    """20,000 dollars a day would do, 0.4 % of the asset's volume does not."""
    shares = venue_days(box, "litecoin", "bitstamp", "volume_share_90d_frac")
    assert shares[DAYS[5]] == pytest.approx(2e4 / 5.02e6)
    assert shares[DAYS[-1]] < 2e4 / 5.02e6, "the later venue's volume is in the whole"
    assert set(venue_days(box, "litecoin", "bitstamp", "exclusion_reason").values()) == {
        "low_share"
    }
    assert set(column(box, "litecoin", "close_usd").values()) == {50.0}


def test_a_new_market_is_judged_by_what_there_is_and_reported(box: LakeBox) -> None:
    """Fewer than thirty days of history: counted from the first day on, with a flag."""
    flags = venue_days(box, "litecoin", "kraken", "is_new_market")
    assert min(flags) == LISTED
    assert [day for day, flag in flags.items() if flag] == DAYS[15:44]
    assert set(venue_days(box, "litecoin", "kraken", "is_accepted").values()) == {True}


def test_of_two_that_disagree_the_one_near_yesterday_counts(box: LakeBox) -> None:
    """F-2: the second day is settled by what the first one was settled to."""
    close, quality = (column(box, "cosmos", n) for n in ("close_usd", "price_quality"))
    assert [close[day] for day in DAYS[19:23]] == [10.0] * 4
    assert [quality[day] for day in DAYS[19:23]] == ["thin", "disputed", "disputed", "thin"]


def test_a_lonely_jump_is_an_unconfirmed_price_and_is_reported(box: LakeBox) -> None:
    """One venue is held as unconfirmed until its next reading; two are believed at once."""
    columns = "(close_usd, price_quality, evidence, prior_close_verdict)"
    lone, less, agreed = (
        column(box, asset, columns) for asset in ("the-graph", "filecoin", "avalanche-2")
    )
    assert [lone[day] for day in DAYS[29:32]] == [
        (5.0, "single_venue", "single_venue", None),
        (20.0, "unconfirmed", "single_venue", None),
        (5.0, "single_venue", "single_venue", "refuted"),
    ]
    assert less[JUMP] == (12.5, "unconfirmed", "single_venue", None), "it had never moved before"
    assert agreed[JUMP] == (20.0, "thin", "multi_venue", None)
    assert agreed[DAYS[31]] == (5.0, "thin", "multi_venue", None)
    rows = box.query(
        "select mart, severity, is_passed, failed_row_count, detail from marts.ops_check_result "
        "where check_name = 'price_jump_gate'"
    )
    reported = f"filecoin {JUMP}; the-graph {JUMP}"
    assert rows == [("price_daily", "warn", False, 2, reported)]


def test_a_day_on_which_units_change_is_reported_in_the_new_ones(box: LakeBox) -> None:
    """The close before is in old units, and is neither open nor high."""
    bars = {
        day: tuple(rest)
        for day, *rest in box.query(
            "select day, open_usd, high_usd, low_usd, close_usd, vwap_usd "
            "from marts.ohlcv_daily where asset_id = 'eos'"
        )
    }
    assert bars[SPLIT] == pytest.approx((3.0, 3.06, 2.94, 3.0, 3.0))
    before = DAYS[DAYS.index(SPLIT) - 1]
    assert bars[before] == pytest.approx((300.0, 306.0, 294.0, 300.0, 300.0))
    natr = column(box, "eos", "natr_14", "technical_daily")
    assert [natr[day] for day in DAYS[22:30]] == pytest.approx([0.04] * 8)


def test_a_bar_in_two_units_keeps_what_is_certain(box: LakeBox) -> None:
    """It opened in old units; its high hides that of the new ones, and is unknown."""
    [bar] = box.query(
        "select open_usd, high_usd, low_usd, close_usd, vwap_usd from marts.ohlcv_daily "
        f"where asset_id = 'stellar' and day = '{SPLIT}'"
    )
    assert bar == (3.0, None, None, 3.0, None)


def test_a_death_ends_an_asset_and_keeps_its_days(box: LakeBox) -> None:
    """F-6: down to a billionth, each day with its price, and nothing after the last."""
    closes = column(box, "tezos", "close_usd")
    assert max(closes) == DAYS[39]
    assert closes[DAYS[0]] == 1.0
    known = [close for close in closes.values() if close is not None]
    assert min(known) > 0
    later = box.query(
        f"select count(*) from marts.ohlcv_daily where asset_id = 'tezos' and day >= '{DAYS[40]}'"
    )
    assert later == [(0,)]


def test_nobody_knows_of_an_exclusion_before_it_was_made(seeded_box: LakeBox) -> None:
    """A build of May 2022 must not name what happened to a venue in November."""
    town, span = Market(), days("2022-05-28", 170)
    dollars(town, span)
    reported = {}
    for instant, newest in (("2022-05-31T06:00:00", span[2]), ("2022-11-14T06:00:00", span[-1])):
        town.land(seeded_box, at(instant), last=newest)
        seeded_box.run("+dim_venue")
        [(reported[instant[:7]],)] = seeded_box.query(
            "select exclusion_intervals from marts.dim_venue where venue_id = 'ftx'"
        )
    assert reported["2022-05"] is None
    assert reported["2022-11"].startswith("2022-11-08 to open")
