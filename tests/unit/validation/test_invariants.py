from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from pipelines.core.windows import FixedClock, Window
from pipelines.validation.invariants import INVARIANTS, Context, evaluate, in_original_units, sample
from pipelines.validation.report import CheckResult

START = date(2024, 1, 1)
DAYS = [START + timedelta(days=number) for number in range(40)]
LAST = DAYS[-1]
CONTEXT = Context(Window.of_day(LAST), LAST, {"price_daily": 80})
ASSETS = ("btc", "eth")


def _close(asset: str, day: date) -> float:
    number = (day - START).days
    return 100.0 + number * number / 7 if asset == "btc" else 5.0 + number % 3


class Frames:
    """Marts made of frames, keyed by name; a table of another schema has that schema's prefix."""

    def __init__(self, frames: Mapping[str, pl.DataFrame]) -> None:
        self.frames = dict(frames)

    def frame(self, mart: str, columns: Sequence[str], schema: str = "marts") -> pl.DataFrame:
        name = mart if schema == "marts" else f"{schema}.{mart}"
        return self.frames[name].select(columns)

    def names(self) -> list[str]:
        return sorted(name for name in self.frames if "." not in name)

    def columns(self, mart: str) -> list[str]:
        return self.frames[mart].columns


@pytest.fixture
def marts() -> Frames:
    """Marts in which every invariant holds."""
    keys = [(asset, day) for asset in ASSETS for day in DAYS]
    price = pl.DataFrame(
        {
            "asset_id": [asset for asset, _ in keys],
            "day": [day for _, day in keys],
            "close_usd": [_close(*key) for key in keys],
            "volume_usd": [30.0] * len(keys),
            "n_venues": [2] * len(keys),
        }
    )
    returns = price.select("asset_id", "day")
    for days in (1, 7, 30, 365):
        values = [
            _close(asset, day) / _close(asset, day - timedelta(days=days)) - 1
            if day - timedelta(days=days) >= START
            else None
            for asset, day in keys
        ]
        returns = returns.with_columns(pl.Series(f"ret_{days}d", values, dtype=pl.Float64))
    venues = pl.concat(
        price.select(
            "asset_id",
            "day",
            venue_id=pl.lit(venue),
            is_accepted=pl.lit(venue != "c"),
            volume_usd=pl.lit(volume),
        )
        for venue, volume in (("a", 10.0), ("b", 20.0), ("c", 99.0))
    )
    eth = price.filter(pl.col("asset_id") == "eth")
    return Frames(
        {
            "price_daily": price.with_columns(prior_close_verdict=pl.lit(None, dtype=pl.String)),
            "ohlcv_daily": price.select("asset_id", "day", "close_usd"),
            "returns_risk_daily": returns,
            "venue_quality_daily": venues,
            "dim_stablecoin": pl.DataFrame({"stablecoin_id": ["usdx"], "asset_id": ["eth"]}),
            "stablecoin_peg_daily": eth.select(
                "day",
                stablecoin_id=pl.lit("usdx"),
                price_usd="close_usd",
                price_source=pl.lit("canonical"),
            ),
            "stablecoin_supply_daily": pl.DataFrame(
                {
                    "stablecoin_id": ["usdx", "usdy", "eurx"],
                    "day": [LAST, LAST, LAST],
                    "share_frac": [0.1, 0.9, None],
                    "supply_par_usd": [10.0, 90.0, 7.0],
                    "circulating_native": [10.0, 90.0, 6.0],
                    "is_partial": [False, False, True],
                }
            ),
            "stablecoin_market_daily": pl.DataFrame(
                {"day": [LAST], "total_supply_par_usd": [100.0]}
            ),
            "stablecoin_chain_daily": pl.DataFrame(
                {
                    "stablecoin_id": ["usdx", "usdx", "eurx"],
                    "chain": ["Ethereum", "Tron", "Tron"],
                    "day": [LAST, LAST, LAST],
                    "circulating_native": [4.0, 6.0, 1.0],
                }
            ),
            "valuation_daily": pl.DataFrame(
                {"asset_id": ["btc"], "day": [LAST], "mcap_usd": [100.0], "pf_circ_x": [7.0]}
            ),
            "peer_percentile_daily": pl.DataFrame(
                {
                    "asset_id": ["btc"],
                    "day": [LAST],
                    "metric": ["pf_circ_x"],
                    "metric_value": [7.0],
                }
            ),
            "exchange_token_daily": pl.DataFrame(
                {
                    "token_asset_id": ["btc", None],
                    "day": [LAST, LAST],
                    "token_mcap_usd": [100.0, None],
                }
            ),
            "protocol_growth_daily": pl.DataFrame(
                {"protocol_id": ["swap"], "day": [LAST], "tvl_usd": [9.0]}
            ),
            "protocol_fundamentals_daily": pl.DataFrame(
                {
                    "protocol_id": ["swap", "swap"],
                    "chain_id": ["Base", "__total__"],
                    "day": [LAST, LAST],
                    "tvl_usd": [5.0, 9.0],
                }
            ),
            "derivatives_daily": pl.DataFrame(
                {"asset_id": ["btc", "btc"], "day": [DAYS[8], DAYS[9]], "funding_z_90d": [0.5, 2.0]}
            ),
            "grade_components": pl.DataFrame(
                {
                    "asset_id": ["btc", "btc", "eth"],
                    "day": [DAYS[9]] * 3,
                    "grade": ["trend_score"] * 3,
                    "factor": ["crowding", "trend", "crowding"],
                    "factor_value": [2.0, 7.0, None],
                }
            ),
            "risk_plan_daily": pl.DataFrame(
                {
                    "asset_id": ["btc", "btc"],
                    "day": [DAYS[8], DAYS[9]],
                    "signal": [0, 1],
                    "signal_event_id": [None, "event"],
                }
            ),
            "signal_daily": pl.DataFrame(
                {"asset_id": ["btc", "btc"], "day": [DAYS[8], DAYS[9]], "signal": [0, 1]}
            ),
            "alert": pl.DataFrame(
                {
                    "kind": ["signal_change", "price_move"],
                    "entity_id": ["btc", "eth"],
                    "day": [DAYS[9], DAYS[9]],
                    "ref_id": ["event", None],
                }
            ),
            "strategy_trade": pl.DataFrame(
                {
                    "strategy_id": ["hold", "hold"],
                    "entry_equity": [1.0, 1.05],
                    "net_pnl_frac": [0.05, -0.02],
                }
            ),
            "strategy_performance_daily": pl.DataFrame(
                {
                    "strategy_id": ["hold", "hold"],
                    "day": [DAYS[8], DAYS[9]],
                    "equity": [1.05, 1.029],
                }
            ),
            "intermediate.int_asset_unit_factor": pl.DataFrame(
                schema={
                    "asset_id": pl.String,
                    "valid_from": pl.Date,
                    "valid_to": pl.Date,
                    "unit_factor": pl.Float64,
                }
            ),
        }
    )


def _check(name: str, marts: Frames, context: Context = CONTEXT) -> CheckResult:
    (invariant,) = (invariant for invariant in INVARIANTS if invariant.name == name)
    clock = FixedClock(datetime(2024, 2, 10, 6, tzinfo=UTC))
    return evaluate(invariant, marts, context, clock, "run")


def _set(marts: Frames, mart: str, where: pl.Expr, **values: object) -> None:
    marts.frames[mart] = marts.frames[mart].with_columns(
        **{
            name: pl.when(where).then(pl.lit(value)).otherwise(pl.col(name))
            for name, value in values.items()
        }
    )


@pytest.mark.parametrize("name", [invariant.name for invariant in INVARIANTS])
def test_good_marts_pass(marts: Frames, name: str) -> None:
    result = _check(name, marts)

    assert result.is_passed, str(result)
    assert result.detail == ""


BTC_DAY_9 = (pl.col("asset_id") == "btc") & (pl.col("day") == DAYS[9])


def test_bar_with_another_close_or_without_price_is_found(marts: Frames) -> None:
    _set(marts, "ohlcv_daily", BTC_DAY_9, close_usd=1.0)
    marts.frames["ohlcv_daily"] = marts.frames["ohlcv_daily"].filter(
        ~((pl.col("asset_id") == "eth") & (pl.col("day") == DAYS[3]))
    )

    result = _check("bars_agree_with_prices", marts)

    assert result.failed_row_count == 2
    assert "asset_id=btc, day=2024-01-10" in result.detail
    assert "bar=1.0" in result.detail
    assert "asset_id=eth, day=2024-01-04, price=5.0, bar=NULL" in result.detail


def test_rounding_is_no_difference(marts: Frames) -> None:
    _set(marts, "ohlcv_daily", BTC_DAY_9, close_usd=_close("btc", DAYS[9]) * (1 + 1e-12))

    assert _check("bars_agree_with_prices", marts).is_passed


def test_return_that_the_closes_do_not_give_is_found(marts: Frames) -> None:
    _set(marts, "returns_risk_daily", BTC_DAY_9, ret_7d=0.5)

    result = _check("returns_come_from_prices", marts)

    assert result.failed_row_count == 1
    assert result.detail.startswith("1 rows, such as asset_id=btc, day=2024-01-10, window_d=7")
    assert "published=0.5" in result.detail


def test_return_where_a_close_is_missing_is_found(marts: Frames) -> None:
    for mart in ("price_daily", "ohlcv_daily"):
        _set(marts, mart, BTC_DAY_9, close_usd=None)

    result = _check("returns_come_from_prices", marts)

    # day 9 itself over 1 and 7 days, and day 10, 16 and 39 that look back to it
    assert result.failed_row_count == 5


def test_nothing_looks_back_to_a_refuted_close(marts: Frames) -> None:
    btc = pl.col("asset_id") == "btc"
    _set(marts, "price_daily", btc & (pl.col("day") == DAYS[10]), prior_close_verdict="refuted")
    # day 10, 16 and 39 look back to day 9
    assert _check("returns_come_from_prices", marts).failed_row_count == 3

    for days in (1, 7, 30):
        _set(
            marts,
            "returns_risk_daily",
            btc & (pl.col("day") == DAYS[9] + timedelta(days=days)),
            **{f"ret_{days}d": None},
        )
    assert _check("returns_come_from_prices", marts).is_passed


def test_change_of_units_is_no_return(marts: Frames) -> None:
    # one btc became a hundred on day 20: prices fell to a hundredth, returns did not
    _set(marts, "price_daily", pl.lit(value=False), close_usd=0.0)
    late = (pl.col("asset_id") == "btc") & (pl.col("day") >= DAYS[20])
    marts.frames["price_daily"] = marts.frames["price_daily"].with_columns(
        close_usd=pl.when(late).then(pl.col("close_usd") / 100).otherwise("close_usd")
    )
    assert not _check("returns_come_from_prices", marts).is_passed

    marts.frames["intermediate.int_asset_unit_factor"] = pl.DataFrame(
        {
            "asset_id": ["btc"],
            "valid_from": [DAYS[20]],
            "valid_to": pl.Series([None], dtype=pl.Date),
            "unit_factor": [100.0],
        }
    )
    result = _check("returns_come_from_prices", marts)
    assert result.is_passed, str(result)


@pytest.mark.parametrize(
    ("mart", "change"),
    [
        ("risk_plan_daily", {"signal": -1}),
        ("risk_plan_daily", {"signal_event_id": "another"}),
        ("signal_daily", {"asset_id": "eth"}),
        ("alert", {"ref_id": "another"}),
    ],
    ids=str,
)
def test_plan_that_answers_to_no_signal_is_found(
    marts: Frames, mart: str, change: dict[str, object]
) -> None:
    """An alert names an event that there is."""
    entity = "entity_id" if mart == "alert" else "asset_id"
    _set(marts, mart, (pl.col(entity) == "btc") & (pl.col("day") == DAYS[9]), **change)

    assert not _check("plans_answer_to_signals", marts).is_passed


@pytest.mark.parametrize(
    ("mart", "change"),
    [
        ("strategy_trade", {"net_pnl_frac": 0.06}),
        ("strategy_trade", {"strategy_id": "another"}),
        ("strategy_performance_daily", {"equity": 1.04}),
    ],
    ids=str,
)
def test_equity_that_no_trade_earned_is_found(
    marts: Frames, mart: str, change: dict[str, object]
) -> None:
    """The last day's equity is 1 and what each trade made of the equity it began with."""
    assert _check("equity_is_what_trades_earned", marts).is_passed
    _set(marts, mart, pl.lit(value=True), **change)

    assert not _check("equity_is_what_trades_earned", marts).is_passed


@pytest.mark.parametrize(
    ("mart", "change"),
    [
        ("grade_components", {"factor_value": -2.0}),
        ("derivatives_daily", {"funding_z_90d": None}),
        ("derivatives_daily", {"asset_id": "eth"}),
    ],
    ids=str,
)
def test_crowding_that_is_not_the_funding_is_found(
    marts: Frames, mart: str, change: dict[str, object]
) -> None:
    """The sign belongs to the grade's seed, the day and asset to the row."""
    _set(marts, mart, (pl.col("asset_id") == "btc") & (pl.col("day") == DAYS[9]), **change)

    assert not _check("crowding_is_funding", marts).is_passed


def test_units_follow_their_intervals() -> None:
    price = pl.DataFrame(
        {"asset_id": ["x"] * 4, "day": DAYS[:4], "close_usd": [8.0, 4.0, 2.0, 2.0]}
    )
    factors = pl.DataFrame(
        {
            "asset_id": ["x", "x"],
            "valid_from": [DAYS[1], DAYS[2]],
            "valid_to": [DAYS[2], None],
            "unit_factor": [2.0, 4.0],
        }
    )

    assert in_original_units(price, factors).sort("day")["close"].to_list() == [8.0] * 4


def test_sample_is_every_fifth_asset_by_name() -> None:
    assert sample(pl.Series([f"a{number}" for number in range(9, -1, -1)] * 2)) == ["a0", "a5"]


def test_venues_that_do_not_make_the_price_are_found(marts: Frames) -> None:
    _set(marts, "venue_quality_daily", BTC_DAY_9 & (pl.col("venue_id") == "b"), is_accepted=False)

    result = _check("accepted_venues_make_the_price", marts)

    assert result.failed_row_count == 1
    assert "n_venues=2" in result.detail
    assert "accepted=1" in result.detail


def test_peg_on_another_price_is_found_but_not_where_the_source_is_another(marts: Frames) -> None:
    first = pl.col("day") == DAYS[0]
    _set(marts, "stablecoin_peg_daily", first, price_usd=9.0)
    assert _check("pegs_use_published_prices", marts).failed_row_count == 1

    _set(marts, "stablecoin_peg_daily", first, price_source="defillama")
    assert _check("pegs_use_published_prices", marts).is_passed


@pytest.mark.parametrize(
    ("mart", "column", "reported"),
    [
        ("peer_percentile_daily", "metric_value", "what=pf_circ_x, entity=btc"),
        ("exchange_token_daily", "token_mcap_usd", "what=token_mcap_usd, entity=btc"),
        ("protocol_growth_daily", "tvl_usd", "what=tvl_usd, entity=swap"),
    ],
)
def test_a_number_that_another_mart_has_otherwise_is_found(
    marts: Frames, mart: str, column: str, reported: str
) -> None:
    _set(marts, mart, pl.lit(value=True), **{column: 1.5})

    result = _check("valuations_agree", marts)

    assert result.is_blocking
    assert result.failed_row_count == 1
    assert reported in result.detail


def test_a_market_that_is_not_the_sum_of_its_coins_is_found(marts: Frames) -> None:
    _set(marts, "stablecoin_market_daily", pl.col("day") == LAST, total_supply_par_usd=107.0)

    result = _check("market_supply_adds_up", marts)

    assert result.failed_row_count == 1
    assert "sum_of_coins_usd=100" in result.detail


def test_chains_that_do_not_make_the_total_are_found_unless_one_is_missing(marts: Frames) -> None:
    _set(marts, "stablecoin_chain_daily", pl.col("chain") == "Ethereum", circulating_native=3.0)

    result = _check("chains_make_the_total", marts)

    assert result.failed_row_count == 1
    assert "sum_of_chains_native=9" in result.detail


@pytest.mark.parametrize(
    "context",
    [
        Context(Window.of_day(LAST + timedelta(days=1)), LAST + timedelta(days=1), {}),
        Context(Window.of_day(LAST), LAST - timedelta(days=1), {}),
    ],
    ids=["the run's day is missing", "a day is there that is not over"],
)
def test_days_must_reach_the_run_and_not_the_future(marts: Frames, context: Context) -> None:
    assert _check("days_reach_the_run", marts, context).is_blocking


def test_backfill_of_old_days_does_not_need_the_newest(marts: Frames) -> None:
    context = Context(Window(DAYS[3], DAYS[9]), LAST, {})

    assert _check("days_reach_the_run", marts, context).is_passed


def test_day_with_half_the_usual_rows_is_a_warning(marts: Frames) -> None:
    price = marts.frames["price_daily"]
    marts.frames["price_daily"] = price.filter(pl.col("day") != DAYS[-2])
    context = Context(Window(DAYS[-5], LAST + timedelta(days=1)), LAST, {})

    result = _check("day_sizes_are_usual", marts, context)

    assert result.severity == "warn"
    assert result.failed_row_count == 1
    assert "mart=price_daily, day=2024-02-08, rows=0, usual=2.0" in result.detail


def test_young_series_has_no_usual_size(marts: Frames) -> None:
    marts.frames = {"price_daily": marts.frames["price_daily"].filter(pl.col("day") < DAYS[10])}
    context = Context(Window(DAYS[0], DAYS[10]), LAST, {})

    assert _check("day_sizes_are_usual", marts, context).is_passed


def test_marts_of_an_empty_lake_agree(marts: Frames) -> None:
    for mart in (
        "valuation_daily",
        "peer_percentile_daily",
        "exchange_token_daily",
        "protocol_growth_daily",
        "protocol_fundamentals_daily",
    ):
        marts.frames[mart] = marts.frames[mart].clear()

    assert _check("valuations_agree", marts).is_passed


def test_a_metric_that_begins_makes_no_day_unusual(marts: Frames) -> None:
    """A snapshot's first day has multiples that no day before could have; an end does."""
    old = [
        {"day": day, "metric": "pf_circ_x", "asset_id": asset} for day in DAYS for asset in ASSETS
    ]
    new = [{"day": LAST, "metric": "pf_fdv_x", "asset_id": f"{number}"} for number in range(9)]
    marts.frames = {"peer_percentile_daily": pl.DataFrame(old + new)}
    assert _check("day_sizes_are_usual", marts).is_passed

    marts.frames = {"peer_percentile_daily": pl.DataFrame(old[:-2] + new)}
    result = _check("day_sizes_are_usual", marts)
    assert "mart=peer_percentile_daily, day=2024-02-09, rows=0, usual=2.0" in result.detail


def test_lost_rows_are_a_warning(marts: Frames) -> None:
    context = Context(CONTEXT.window, LAST, {"price_daily": 101, "gone": 5, "ops_load_log": 9})

    result = _check("nothing_got_lost", marts, context)

    assert result.severity == "warn"
    assert result.detail == "1 rows, such as mart=price_daily, rows=80, before=101"
