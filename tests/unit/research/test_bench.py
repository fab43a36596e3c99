"""The bench: a planted effect is found, an absent one is not, and little data says so."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from pipelines.analytics.calendar import ASSET
from pipelines.analytics.quality import judge_all, outcome
from pipelines.research import bench, report
from pipelines.research.errors import ResearchError
from pipelines.research.panel import MIN_DAYS, read_panel
from pipelines.research.trials import Trial, composite, percentiles, read_trials
from pipelines.research.walk_forward import choose, folds

REPO = Path(__file__).parents[3]
SEEDS = REPO / "dbt" / "seeds"
LEDGER = REPO / "docs" / "research" / "trials.csv"
START = date(2022, 1, 1)


def market(assets: int, days: int, *, calm_pays: float = 0.0, seed: int = 1) -> pl.DataFrame:
    """Bars in which half of the assets are calm, and earn ``calm_pays`` a day more."""
    chance = np.random.default_rng(seed)
    is_calm = np.arange(assets) % 2 == 0
    sigma = np.where(is_calm, 0.02, 0.06)[:, None]
    steps = chance.normal(0, 1, (assets, days)) * sigma + np.where(is_calm, calm_pays, 0)[:, None]
    close = np.exp(np.cumsum(steps, axis=1))
    wide = 1 + sigma * chance.uniform(0.2, 1, close.shape)
    return pl.DataFrame(
        {
            "symbol": np.repeat([f"X{number:03d}USDT" for number in range(assets)], days),
            "day": [START + timedelta(days=number) for number in range(days)] * assets,
            "high": (close * wide).ravel(),
            "low": (close / wide).ravel(),
            "close": close.ravel(),
            "volume_quote": np.exp(chance.normal(16, 0.3, close.shape)).ravel(),
        }
    )


def found(bars: pl.DataFrame, tmp_path: Path, trials: list[Trial]) -> bench.Findings:
    bars.write_parquet(tmp_path / "bars.parquet")
    panel = read_panel(tmp_path / "bars.parquet", seeds=SEEDS)
    panel.with_factors(["volatility_30d", "volume_shock_7d_90d", "age"])
    return bench.run(panel, trials, seeds=SEEDS, parameters=PARAMETERS)


PARAMETERS = replace(bench.PARAMETERS, horizons_d=(1, 7))
TRIALS = [
    Trial("calm", {"volatility_30d": 1}),
    Trial("quiet", {"volume_shock_7d_90d": 1}),
    Trial("both", {"volatility_30d": 1, "volume_shock_7d_90d": 1}),
]


def ic(findings: bench.Findings, measure: str) -> tuple[float, float]:
    row = findings.quality.filter(
        (pl.col("measure") == measure)
        & (pl.col("universe") == "all")
        & (pl.col("period") == "all")
        & (pl.col("horizon_d") == 7)
        & (pl.col("statistic") == "ic")
    )
    return row["statistic_value"].item(), row["t_stat"].item()


def test_a_planted_effect_is_found_and_chosen(tmp_path: Path) -> None:
    reported = found(market(30, 420, calm_pays=0.01), tmp_path, TRIALS)
    value, t = ic(reported, "volatility_30d")
    assert value > 0.1
    assert t > 3
    assert reported.walk_forward["chosen"].to_list()[-2] == "calm"
    assert reported.warning is None
    assert reported.overfitting[7, "ic"] is not None
    page = report.write(
        reported, read_panel(tmp_path / "bars.parquet", seeds=SEEDS), tmp_path / "out"
    )
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 2
    assert "<script" not in text, "the page needs a program"
    assert "http" not in re.sub(r"http://www\.w3\.org", "", text), "the page asks somebody"


def test_trials_are_chosen_among_those_of_their_horizon(tmp_path: Path) -> None:
    market(30, 420, calm_pays=0.01).write_parquet(tmp_path / "bars.parquet")
    panel = read_panel(tmp_path / "bars.parquet", seeds=SEEDS)
    panel.with_factors(["volatility_30d", "volume_shock_7d_90d", "age"])
    over_months = [replace(trial, horizon_d=60) for trial in TRIALS[:2]]
    reported = bench.run(
        panel,
        [*TRIALS, *over_months],
        seeds=SEEDS,
        parameters=replace(PARAMETERS, horizons_d=bench.read_horizons("60, 7")),
    )
    made = reported.trials.select("horizon_d", "trial").unique().sort("horizon_d", "trial").rows()
    assert made == [(7, "both"), (7, "calm"), (7, "quiet"), (60, "calm"), (60, "quiet")]
    assert report.horizons(reported) == [7, 60]
    purged = reported.walk_forward.filter((pl.col("fold") > 0) & (pl.col("horizon_d") == 60))
    apart = purged["test_first_day"] - purged["train_last_day"]
    assert apart.dt.total_days().min() > 61, "an outcome reaches into what is judged"


@pytest.mark.parametrize("text", ["", "0", "-7", "a week", "7;28", "1.5"])
def test_what_names_no_horizon_is_refused(text: str) -> None:
    with pytest.raises(ResearchError, match="no days ahead"):
        bench.read_horizons(text)


def test_an_absent_effect_is_not_found(tmp_path: Path) -> None:
    reported = found(market(30, 420, seed=5), tmp_path, TRIALS)
    assert abs(ic(reported, "volume_shock_7d_90d")[1]) < 3


@pytest.mark.parametrize(("assets", "days"), [(10, 400), (30, 150)])
def test_little_data_says_that_nothing_can_be_concluded(
    assets: int, days: int, tmp_path: Path
) -> None:
    reported = found(market(assets, days), tmp_path, TRIALS)
    assert reported.warning is not None
    assert f"{MIN_DAYS} are needed" in reported.warning


def test_fifty_days_have_no_members_and_no_crash(tmp_path: Path) -> None:
    reported = found(market(30, 50), tmp_path, TRIALS)
    assert reported.quality.is_empty()
    assert reported.walk_forward.is_empty()
    assert reported.warning is not None


def test_a_constant_factor_has_no_order(tmp_path: Path) -> None:
    """All assets are of one age: nothing is said about it, instead of something wrong."""
    reported = found(market(30, 420), tmp_path, [*TRIALS, Trial("old", {"age": 1})])
    rows = reported.quality.filter((pl.col("measure") == "age") & (pl.col("statistic") == "ic"))
    assert rows.is_empty()
    assert reported.overfitting[7, "ic"] is not None


def test_a_stablecoin_is_not_judged_whether_its_symbol_is_a_pair_or_a_code(tmp_path: Path) -> None:
    names = ["LUSD", "LUSDUSDT", "DAI", "DAIUSD", "BTC", "ETHUSDT"]
    bars = market(len(names), 5).with_columns(
        symbol=pl.Series([name for name in names for _ in range(5)])
    )
    bars.write_parquet(tmp_path / "bars.parquet")
    panel = read_panel(tmp_path / "bars.parquet", seeds=SEEDS)
    assert panel.grid.assets == ("BTC", "ETHUSDT")


def test_what_is_no_panel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResearchError, match="no publication"):
        read_panel(tmp_path, seeds=SEEDS)
    pl.DataFrame({"symbol": ["A"]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(ResearchError, match="lacks"):
        read_panel(tmp_path / "x.parquet", seeds=SEEDS)


def test_the_ledger_of_the_project_can_be_computed_again() -> None:
    trials = read_trials(LEDGER)
    assert len(trials) >= 68, "a trial was made: it stays in the ledger"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,7,luck:1,0,", "no factor 'luck'"),
        ("a,7,age:much,0,", "no factor:weight"),
        ("a,7,,0,", "without a weight"),
        ("a,,age:1,0,", "no number of days"),
        ("a,0,age:1,0,", "no number of days"),
        ("a,7,age:1,0,\na,7,age:1,0,", "stand twice"),
        ("a,7,age:1,0,\na,28,size:1,0,", "two different"),
    ],
)
def test_a_ledger_that_cannot_be_read_says_where(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    path.write_text(f"trial,horizon_d,terms,halflife_d,note\n{line}\n")
    with pytest.raises(ResearchError, match=message):
        read_trials(path)


def test_a_composite_is_the_weighted_mean_of_ranks() -> None:
    ranked = {
        "age": percentiles(np.array([[1.0, 2.0, 3.0, np.nan]])),
        "range_30d": percentiles(np.array([[3.0, 2.0, 1.0, 4.0]])),
    }
    value = composite(Trial("x", {"age": 3, "range_30d": 1}), ranked)
    # ranks 1/6 3/6 5/6 and 5/8 3/8 1/8 7/8, less the middle
    assert value[0, 0] == pytest.approx((3 * (1 / 6 - 0.5) + (5 / 8 - 0.5)) / 4)
    assert np.isnan(value[0, 3]), "a quarter of the weight is not enough"


def test_own_history_is_the_place_among_the_assets_own_days(tmp_path: Path) -> None:
    market(30, 420).write_parquet(tmp_path / "bars.parquet")
    panel = read_panel(tmp_path / "bars.parquet", seeds=SEEDS).with_factors(["volatility_30d"])
    panel.with_own_history(["own_volatility_30d", "own_age", "volatility_30d"])
    assert set(panel.own_history) == {"own_volatility_30d"}, "only of what is there"
    values = panel.factors["volatility_30d"][:, 3]
    past = values[~np.isnan(values)][-365:]
    place = 100 * ((past < past[-1]).sum() + (past == past[-1]).sum() / 2) / len(past)
    assert panel.own_history["own_volatility_30d"][-1, 3] == pytest.approx(place)
    young = np.flatnonzero(~np.isnan(panel.own_history["own_volatility_30d"][:, 3]))[0]
    assert (~np.isnan(values[: young + 1])).sum() == 90, "a past of 90 days is needed"


def test_own_history_and_conditions_are_judged_like_the_rest(tmp_path: Path) -> None:
    trials = [*TRIALS, Trial("own_volatility_30d", {"own_volatility_30d": 1})]
    reported = found(market(30, 500, calm_pays=0.01), tmp_path, trials)
    assert "own_history" in reported.quality["measure_kind"].unique().to_list()
    made = reported.trials.filter(pl.col("trial") == "own_volatility_30d")
    assert made["mean"].null_count() == 0
    table = report.headline(reported.quality, 7)
    assert {"factor", "own_history", "composite"} <= set(table["measure_kind"])
    assert "funded_low" not in table.columns, "nobody knows what longs paid"


def test_folds_keep_the_outcome_out_of_the_past() -> None:
    parts = folds(400, fold_count=4, min_train_d=100, purge_d=8, embargo_d=7)
    assert [int(part.test[0]) for part in parts] == [115, 186, 257, 328]
    for part in parts:
        assert part.train[-1] + 8 + 7 < part.test[0]
    assert parts[-1].test[-1] == 399
    with pytest.raises(ResearchError, match="too few"):
        folds(100, fold_count=4, min_train_d=100, purge_d=8, embargo_d=7)


def test_the_choice_does_not_see_what_it_is_judged_by() -> None:
    parts = folds(300, fold_count=2, min_train_d=100, purge_d=8, embargo_d=7)
    objective = np.zeros((300, 2))
    objective[:, 0] = 1
    objective[parts[0].test[0] :, 1] = 50
    assert choose(objective, parts)[0].trial == 0


def test_a_trial_of_a_few_days_is_not_chosen() -> None:
    parts = folds(300, fold_count=2, min_train_d=100, purge_d=8, embargo_d=7)
    objective = np.zeros((300, 2))
    objective[:, 1] = 1
    objective[:20, 1] = np.nan
    chosen = choose(objective, parts)
    # of 100 days it has 80, of 192 it has 172
    assert [choice.trial for choice in chosen] == [0, 0]
    objective[15:20, 1] = 1
    assert [choice.trial for choice in choose(objective, parts)] == [0, 1]


def test_trials_are_compared_by_what_they_earn_for_each_part_that_is_held() -> None:
    parts = folds(300, fold_count=2, min_train_d=100, purge_d=8, embargo_d=7)
    earned, held = np.tile([2.0, 1.5], (300, 1)), np.tile([1.0, 0.5], (300, 1))
    assert choose(earned, parts)[0].trial == 0
    (first, _) = choose(earned, parts, held)
    assert (first.trial, first.inside) == (1, pytest.approx(3.0))


def published(folder: Path, bars: pl.DataFrame) -> Path:
    """The marts that the bench reads, as a publication has them."""
    path = folder / "tokenmart.duckdb"
    days = bars.select(
        pl.col("symbol").alias("asset_id"),
        "day",
        high_usd="high",
        low_usd="low",
        close_usd="close",
        volume_usd="volume_quote",
    )
    with duckdb.connect(path) as connection:
        connection.register("days", days.to_arrow())
        connection.execute("create schema marts")
        for table, query in {
            "ohlcv_daily": "select * from days",
            "dim_universe_membership": "select asset_id, day, 'core' as universe_id, "
            "true as is_member, 'member' as membership_reason, 1 as universe_rank, "
            "volume_usd as volume_median_30d_usd from days",
            "returns_risk_daily": "select asset_id, day, close_usd / lag(close_usd) over "
            "(partition by asset_id order by day) - 1 as ret_1d from days",
            "derivatives_daily": "select asset_id, day, 0.0001 as funding_8h_eq, "
            "cast(null as double) as basis_frac, cast(null as double) as oi_usd from days",
            "valuation_daily": "select asset_id, day, 1e9 * close_usd as mcap_usd, "
            "1e9 as supply_circulating_native, cast(null as double) as fees_7d_usd from days",
            "network_valuation_daily": "select asset_id, day, "
            "cast(null as double) as active_address_count from days",
            "trader_grade_daily": "select asset_id, day, 50 + 10 * sin(close_usd) as trader_grade, "
            "cast(null as double) as trend_score from days",
            "dim_narrative_membership": "select distinct asset_id, 'all-of-them' as narrative_id, "
            "date '2022-03-01' as valid_from, cast(null as date) as valid_to from days",
            # two chains pay their fees in one coin
            "dim_chain": "select * from (values ('main', 'X003USDT'), ('rollup', 'X003USDT'), "
            "('other', null)) as chain (chain_id, coin_asset_id)",
            "chain_daily": "select chain_id, day, 5e8 as stables_usd from marts.dim_chain "
            "cross join (select distinct day from days)",
            "dim_token_event": "select 'X001USDT' as asset_id, 'dead' as event_kind, "
            "timestamp '2022-11-01' as effective_at",
        }.items():
            connection.execute(f"create table marts.{table} as {query}")
        # one asset is redenominated, a hundred old units for a new one: no return
        connection.execute(
            "update marts.ohlcv_daily set close_usd = 100 * close_usd, high_usd = 100 * high_usd, "
            "low_usd = 100 * low_usd where asset_id = 'X002USDT' and day >= date '2022-06-01'"
        )
    return path


def test_a_publication_is_read_with_its_grades_narratives_deaths_and_units(tmp_path: Path) -> None:
    bars = market(30, 420)
    panel = read_panel(published(tmp_path, bars), seeds=SEEDS)
    assert set(panel.grades) == {"trader_grade"}
    assert panel.universes["narrative_all-of-them"].any(axis=1).sum() == 420 - 59
    day = (date(2022, 11, 1) - START).days
    assert (panel.closes[day:, 1] == 0).all()
    assert panel.closes[day - 1, 1] > 0
    original = bars.filter(pl.col("symbol") == "X002USDT")["close"].to_numpy()
    np.testing.assert_allclose(panel.closes[:, 2], original, rtol=1e-9)
    assert {"funding_8h_eq", "mcap_usd"} <= set(panel.bars.columns)
    stables = panel.bars.drop_nulls("chain_stables_usd").select(ASSET, "chain_stables_usd")
    assert stables.unique().rows() == [("X003USDT", 1e9)], "the money on its chains, a day late"
    assert "oi_usd" not in panel.bars.columns, "a column without a value makes no factor"


@pytest.mark.slow
def test_the_trader_grade_ranks_recorded_bars(shared_data: Path) -> None:
    """What the pages say of the grade on the bars that it was chosen on."""
    path = shared_data / "binance_daily_bars_2021_2022" / "daily.parquet"
    if not path.exists():
        pytest.skip(f"no recorded bars at {path}")
    panel = read_panel(path, seeds=SEEDS)
    reported = judge_all(
        panel.grid,
        [("grade", "trader_grade", bench.computed_grade(panel, SEEDS)["trader_grade"])],
        [outcome(panel.closes, 7, skip_d=1)],
        {name: panel.universes[name] for name in ("all", "top_50")},
        bench.PARAMETERS,
    ).filter(pl.col("statistic") == "ic")
    whole = {row["universe"]: row for row in reported.filter(pl.col("period") == "all").to_dicts()}
    seed = pl.read_csv(SEEDS / "grade/meta_grade_bench.csv").row(-1, named=True)
    assert whole["all"]["statistic_value"] == pytest.approx(seed["ic"], abs=5e-4)
    assert whole["all"]["t_stat"] == pytest.approx(seed["ic_t_stat"], abs=0.01)
    assert whole["all"]["day_count"] == seed["ic_day_count"]
    assert whole["all"]["statistic_value"] >= 0.11
    assert whole["top_50"]["statistic_value"] >= 0.14
    assert min(row["t_stat"] for row in whole.values()) >= 6
    assert reported["statistic_value"].min() > 0, "a year in which the grade did not rank"
