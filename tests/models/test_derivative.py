"""Perpetual contracts, from settlements in the lake to derivatives_daily."""

# the queries are made of constants
from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from statistics import mean, stdev
from typing import Any

import pytest

from tests.models.lake_box import LakeBox, day_start, days
from tests.models.market import DAY, Market, constant, dollars

DAYS = days("2024-01-01", 75)
CHANGE = DAYS[40]
HOLE = DAYS[30]
LAST_MARK = 40_400.0
HOUR = timedelta(hours=1)
# of bitcoin: rate per 8 hours on each day
BITCOIN = [0.0001 + 0.00001 * (number % 7) for number in range(len(DAYS) + 1)]


def every(hours: int, first: datetime, end: datetime) -> list[datetime]:
    return [first + hours * HOUR * n for n in range(-(-int((end - first) / HOUR) // hours))]


def rows(symbol: str, at: Iterable[datetime], rate: Any, **more: Any) -> list[dict[str, Any]]:
    """Return settlements in Binance's columns; `rate` is one rate or a function of the instant."""
    return [
        {
            "symbol": symbol,
            "funding_time": instant,
            "reported_time": instant,
            "funding_rate": f"{rate(instant) if callable(rate) else rate:.8f}",
            **more,
        }
        for instant in at
    ]


def of_day(instant: datetime) -> float:
    return BITCOIN[(instant.date() - DAYS[0]).days]


def contract(symbol: str, base: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "contract_type": "PERPETUAL",
        "status": "TRADING",
        "base_asset": base,
        "quote_asset": "USDT",
        "margin_asset": "USDT",
    }


def instrument(symbol: str, base: str) -> dict[str, Any]:
    return {
        "category": "linear",
        "symbol": symbol,
        "status": "Trading",
        "base_coin": base,
        "quote_coin": "USDT",
        "contract_type": "LinearPerpetual",
        "settle_coin": "USDT",
    }


def binance(start: datetime, end: datetime) -> dict[str, list[dict[str, Any]]]:
    """Bitcoin, one contract each for the golden intervals, and one in thousands of the asset."""
    usual = every(8, start, end)
    cardano = [*every(8, start, day_start(CHANGE) + 12 * HOUR)]
    cardano += every(4, day_start(CHANGE) + 12 * HOUR, end)
    solana = [at for at in usual if at != day_start(HOLE) + 8 * HOUR]
    return {
        "exchange_info": [
            contract(f"{base}USDT", base) for base in ("BTC", "ADA", "SOL", "UNI", "LTC")
        ]
        + [contract("1000PEPEUSDT", "1000PEPE")],
        "funding_info": [],
        "funding_rate": [
            *rows("BTCUSDT", usual, of_day),
            *rows("BTCUSDT", [end], of_day, mark_price=LAST_MARK),
            *rows("ADAUSDT", cardano, lambda at: 0.0002 if at < day_start(CHANGE) else 0.0001),
            *rows("SOLUSDT", solana, 0.0001),
            *rows("UNIUSDT", every(1, start, end), 0.0001),
            *rows("LTCUSDT", every(4, start, end), 0.0002),
            *rows("1000PEPEUSDT", usual, 0.0001),
        ],
        # Binance keeps thirty days: here the last ten
        "open_interest_hist": [
            {
                "symbol": "BTCUSDT",
                "period": "1d",
                "time": day_start(day) + DAY,
                "sum_open_interest": 3000,
                "sum_open_interest_value": 3000 * 40_000,
            }
            for day in DAYS[-10:]
        ],
    }


def bybit(start: datetime, end: datetime) -> dict[str, list[dict[str, Any]]]:
    names = {"BTCUSDT": 1000.0, "1000PEPEUSDT": 500.0}
    settled = rows("BTCUSDT", every(8, start, end), 0.0003)
    return {
        "instruments_info": [
            instrument("BTCUSDT", "BTC"),
            instrument("1000PEPEUSDT", "1000PEPE"),
        ],
        "funding_history": [
            {name: row[name] for name in ("symbol", "funding_time", "funding_rate")}
            for row in settled
        ],
        "open_interest": [
            {
                "symbol": symbol,
                "interval": "1d",
                "time": day_start(day) + DAY,
                # both sides, and one of them; the last day is 10 % higher
                "open_interest": 2 * amount * (1.1 if day == DAYS[-1] else 1),
                "single_open_interest": amount * (1.1 if day == DAYS[-1] else 1),
            }
            for symbol, amount in names.items()
            for day in DAYS
        ],
    }


def okx(start: datetime, end: datetime) -> dict[str, list[dict[str, Any]]]:
    return {
        "instruments": [
            {
                "inst_type": "SWAP",
                "inst_id": "SOL-USDT-SWAP",
                "inst_family": "SOL-USDT",
                "settle_ccy": "USDT",
                "contract_type": "linear",
                "contract_value": 1,
                "contract_value_ccy": "SOL",
                "state": "live",
            }
        ],
        "funding_rate_history": [
            {
                "inst_id": "SOL-USDT-SWAP",
                "funding_time": at,
                # what was paid, and what had been predicted
                "realized_rate": "0.0004",
                "funding_rate": "0.0009",
            }
            for at in every(8, start, end)
        ],
    }


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    for code, price in (("ADA", 2.0), ("SOL", 20.0), ("UNI", 5.0), ("LTC", 50.0), ("PEPE", 0.01)):
        town.add("coinbase", f"{code}-USD", code, "USD", constant(DAYS, price), volume_usd=2e6)
        town.add("kraken", f"{code}USD", code, "USD", constant(DAYS, price), volume_usd=2e6)
    town.land(shared_box)
    start, end = day_start(DAYS[0]), day_start(DAYS[-1]) + DAY
    for source, made in (("binance_futures", binance), ("bybit", bybit), ("okx", okx)):
        # the running day's first settlement is there, too
        shared_box.load(source, made(start, end), fetched_at=end + 6 * HOUR)
    shared_box.run("+derivatives_daily +int_trader_factor_daily +price_daily")
    return shared_box


def column(box: LakeBox, asset: str, name: str) -> dict[date, Any]:
    return dict(
        box.query(
            f"select day, {name} from marts.derivatives_daily where asset_id = '{asset}' "
            "order by day"
        )
    )


@pytest.mark.parametrize(
    ("asset", "per_8h", "in_a_day"),
    [("uniswap", 0.0008, 0.0024), ("litecoin", 0.0004, 0.0012)],
)
def test_rates_of_other_intervals_are_reported_per_8_hours(
    box: LakeBox, asset: str, per_8h: float, in_a_day: float
) -> None:
    """0.01 % an hour is 0.08 %, 0.02 % in four hours is 0.04 %."""
    assert column(box, asset, "funding_8h_eq")[DAYS[5]] == pytest.approx(per_8h, rel=1e-9)
    assert column(box, asset, "funding_day")[DAYS[5]] == pytest.approx(in_a_day, rel=1e-9)
    carry = column(box, asset, "carry_ann_frac")[DAYS[5]]
    assert carry == pytest.approx(365 * in_a_day, rel=1e-9)


def test_the_interval_is_that_of_each_settlement(box: LakeBox) -> None:
    """8 hours until 08:00 and 4 from 12:00 on; the day's sum has five rates."""
    assert box.query(
        "select hour(settled_at), interval_h from intermediate.int_funding_settlement "
        f"where symbol = 'ADAUSDT' and day = '{CHANGE}' order by 1"
    ) == [(0, 8.0), (8, 8.0), (12, 4.0), (16, 4.0), (20, 4.0)]
    funding, per_8h = (column(box, "cardano", n) for n in ("funding_day", "funding_8h_eq"))
    assert funding[CHANGE] == pytest.approx(5 * 0.0001, rel=1e-9)
    assert per_8h[CHANGE] == pytest.approx(5 * 0.0001 * 8 / 28, rel=1e-9), "28 hours of them"
    assert per_8h[CHANGE - DAY] == pytest.approx(0.0002, rel=1e-9)
    assert per_8h[CHANGE + DAY] == pytest.approx(0.0002, rel=1e-9), "0.01 % in 4 h"


def test_a_day_without_one_of_its_settlements_is_unknown(box: LakeBox) -> None:
    """Sixteen hours are no interval: neither the day nor its rate is made up, OKX's alone counts.

    The first settlement of a history has no interval either.
    """
    counts = column(box, "solana", "funding_contract_count")
    assert (counts[HOLE - DAY], counts[HOLE], counts[HOLE + DAY]) == (2, 1, 2)
    funding = column(box, "solana", "funding_day")
    assert funding[HOLE] == pytest.approx(3 * 0.0004, rel=1e-9), "the realized rate, not 0.0009"
    assert column(box, "uniswap", "funding_day").get(DAYS[0]) is None


def test_venues_weigh_by_open_interest_and_equally_without_any(box: LakeBox) -> None:
    """Bybit's 1000 coins alone at first, with Binance's 3000 in the last ten days."""
    found, how = (column(box, "bitcoin", n) for n in ("funding_day", "funding_weighting"))
    assert found[DAYS[10]] == pytest.approx(3 * 0.0003, rel=1e-9)
    number = len(DAYS) - 5
    mixed = 3 * (3000 * BITCOIN[number] + 1000 * 0.0003) / 4000
    assert found[DAYS[number]] == pytest.approx(mixed, rel=1e-9)
    assert how[DAYS[10]] == "open_interest"
    assert column(box, "solana", "funding_weighting")[DAYS[10]] == "equal"
    plain = 3 * (0.0001 + 0.0004) / 2
    assert column(box, "solana", "funding_day")[DAYS[10]] == pytest.approx(plain, rel=1e-9)


def test_open_interest_of_midnight_is_the_end_of_the_day_before(box: LakeBox) -> None:
    """One side of each contract, at the end of the day that the label closes."""
    oi = column(box, "bitcoin", "oi_usd")
    assert oi[DAYS[0]] == pytest.approx(1000 * 40_000)
    assert oi[DAYS[-2]] == pytest.approx(4000 * 40_000)
    assert max(oi) == DAYS[-1], "the settlement of the running day made a row"
    assert oi[DAYS[-1]] == pytest.approx((3000 + 1100) * 40_000, rel=1e-9)


def test_a_contract_in_thousands_is_counted_in_units_of_the_asset(box: LakeBox) -> None:
    """500 contracts of 1000 PEPE at one cent are 5000 dollars."""
    assert column(box, "pepe", "oi_usd")[DAYS[3]] == pytest.approx(5000.0)


def test_changes_compare_a_contract_with_itself(box: LakeBox) -> None:
    """Binance's part begins to be known ten days before the end; that is no inflow."""
    one, seven = (column(box, "bitcoin", n) for n in ("oi_chg_1d", "oi_chg_7d"))
    begin = DAYS[-10]
    assert column(box, "bitcoin", "oi_usd")[begin] == pytest.approx(4000 * 40_000)
    assert one[begin] == pytest.approx(0, abs=1e-12)
    assert one[DAYS[-1]] == pytest.approx(4100 / 4000 - 1, rel=1e-9)
    assert seven[DAYS[-1]] == pytest.approx(4100 / 4000 - 1, rel=1e-9)
    assert (one[DAYS[0]], seven[DAYS[6]]) == (None, None)
    ratio = column(box, "bitcoin", "oi_to_volume")[DAYS[0]]
    [(volume,)] = box.query(
        f"select volume_usd from marts.price_daily where asset_id = 'bitcoin' and day = '{DAYS[0]}'"
    )
    assert ratio == pytest.approx(1000 * 40_000 / volume)


def test_the_basis_is_that_of_the_days_last_mark(box: LakeBox) -> None:
    """The settlement at 00:00 shows with which mark price the day before it ended."""
    basis = column(box, "bitcoin", "basis_frac")
    assert basis[DAYS[-1]] == pytest.approx(LAST_MARK / 40_000 - 1, rel=1e-9)
    assert basis[DAYS[-2]] is None


def test_funding_is_compared_with_the_days_before_it(box: LakeBox) -> None:
    """The day itself is not in the mean, and fewer than sixty days are too few."""
    z = column(box, "litecoin", "funding_z_90d")
    assert set(z.values()) == {None}, "a constant rate has no deviation to be measured in"
    z, funding = (column(box, "bitcoin", n) for n in ("funding_z_90d", "funding_day"))
    known = [day for day, value in z.items() if value is not None]
    assert known[0] == DAYS[66], "the day after the first that differs"
    day = DAYS[-1]
    before = [funding[one] for one in DAYS[:-1] if funding[one] is not None]
    assert z[day] == pytest.approx((funding[day] - mean(before)) / stdev(before), rel=1e-6)


def test_crowded_longs_count_against_an_asset(box: LakeBox) -> None:
    """The factor is the z-score as it is, its orientation is in the seed; else NULL."""
    found = dict(
        box.query(
            "select asset_id, crowding from intermediate.int_trader_factor_daily "
            f"where day = '{DAYS[-1]}' and asset_id in ('bitcoin', 'litecoin')"
        )
    )
    expected = column(box, "bitcoin", "funding_z_90d")[DAYS[-1]]
    assert found == {"bitcoin": pytest.approx(expected), "litecoin": None}
    assert expected is not None


def test_a_lake_without_perpetuals_has_an_empty_mart(seeded_box: LakeBox) -> None:
    seeded_box.run("+derivatives_daily")
    assert seeded_box.query("select count(*) from marts.derivatives_daily") == [(0,)]
