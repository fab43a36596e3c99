"""Effects of a known size: the bench finds what is planted, and chance alone where nothing is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.analytics.cross_section import Grid
from pipelines.analytics.factors import compute_factors
from pipelines.analytics.quality import judge_all, outcome
from pipelines.research.bench import PARAMETERS
from pipelines.sandbox.__main__ import main
from pipelines.sandbox.dataset import load
from pipelines.sandbox.generate import GeneratorSettings, generate
from pipelines.sandbox.generator.cast import AssetSpec
from pipelines.sandbox.generator.effects import Effects
from pipelines.sandbox.generator.returns import MARKET_SIGMA, levels, salted, student

START = date(2023, 1, 1)
DAYS = 420
HORIZONS_D = (1, 7)
ABSENT = Effects(calm_drift=0, reversal=0, reversion=0, narrative_drift=0, weekday_drift=0)
PLANTED: Mapping[str, float] = {
    "calm_drift": 0.006,
    "reversal": 0.03,
    "reversion": 0.05,
    "narrative_drift": 0.008,
    "weekday_drift": 0.008,
}
SPECS = [
    AssetSpec(
        f"asset-{number:02d}",
        f"A{number}",
        f"Asset {number}",
        "coin",
        ("defi", "ai", "gaming", "meme", "data", "layer2")[number % 6],
        1.0,
        1e6,
        beta=0.8 + 0.1 * (number % 7),
        sigma=0.015 + 0.005 * (number % 9),
    )
    for number in range(30)
]


Reported = dict[tuple[str, int], dict[tuple[str, int], float]]


def found(markets: Mapping[tuple[str, int], Effects]) -> Reported:
    """The t-value of each effect's factor in each market and over each horizon, from closes alone.

    Args:
        markets: name and seed to the effects that it has.
    """
    days = [START + timedelta(days=number) for number in range(DAYS)]
    everyone = {"all": np.ones((DAYS, len(SPECS)), dtype=np.bool_)}
    planted = ABSENT.truth()
    reported: Reported = {}
    for (name, seed), effects in markets.items():
        close = np.exp(drawn(effects, seed))
        bars = pl.DataFrame(
            {
                "asset_id": np.repeat([spec.asset_id for spec in SPECS], DAYS),
                "day": days * len(SPECS),
                "close_usd": close.ravel(),
            }
        ).with_columns(
            high_usd="close_usd", low_usd="close_usd", volume_usd=pl.lit(1e7), in_universe=True
        )
        factors = [effect.factor for effect in planted]
        computed = compute_factors(bars.lazy(), factors).collect()
        grid = Grid.around(computed)
        # of all of these factors a low value is good, but of the weekday's
        measures = [
            ("factor", effect.name, values if effect.factor == "weekday_26w" else -values)
            for effect, values in zip(planted, grid.matrices(computed, factors), strict=True)
        ]
        after = [outcome(close.T, ahead, skip_d=PARAMETERS.skip_d) for ahead in HORIZONS_D]
        rows = judge_all(grid, measures, after, everyone, PARAMETERS).filter(
            (pl.col("statistic") == "ic") & (pl.col("period") == "all")
        )
        wanted = rows.select("measure", "horizon_d", "t_stat")
        reported[name, seed] = {(measure, ahead): t for measure, ahead, t in wanted.iter_rows()}
    return reported


def drawn(effects: Effects, seed: int) -> np.ndarray:
    """Log levels of a small market, without venues, plants or files."""
    chance = salted(seed, "a small market")
    market = (MARKET_SIGMA * student(chance, effects.tail_freedom, (DAYS,))).cumsum()
    sigma = np.array([spec.sigma for spec in SPECS])[:, None]
    shocks = sigma * student(chance, effects.tail_freedom, (len(SPECS), DAYS))
    return levels(SPECS, effects, seed=seed, start=START, market=market, shocks=shocks)


def held(planted_seeds: int, absent_seeds: int, at_most: Mapping[int, float]) -> None:
    """Plant each effect alone, and nothing in others.

    Args:
        planted_seeds: markets of each effect.
        absent_seeds: markets of chance alone.
        at_most: days ahead to the share of absent effects whose t may be beyond 1.96.
    """
    markets = {("absent", seed): ABSENT for seed in range(absent_seeds)}
    for name, size in PLANTED.items():
        only = ABSENT.model_copy(update={name: size})
        markets |= {(name, 1000 + seed): only for seed in range(planted_seeds)}
    reported = found(markets)
    for name, size in PLANTED.items():
        truth = ABSENT.model_copy(update={name: size}).truth()
        (effect,) = [one for one in truth if one.size]
        t = [
            effect.sign * reported[name, 1000 + seed][name, effect.horizon_d]
            for seed in range(planted_seeds)
        ]
        assert np.mean(np.array(t) > 1.96) >= 0.8, f"{name} is planted and not found: t {t}"
    for days, share in at_most.items():
        t = [
            reported["absent", seed][name, days] for seed in range(absent_seeds) for name in PLANTED
        ]
        wrong = float((np.abs(t) > 1.96).mean())
        assert wrong <= share, f"{wrong:.0%} of {len(t)} absent effects are found over {days} d"
        assert abs(np.mean(t)) < 4 / np.sqrt(len(t)), f"chance leans to one side over {days} d"


def test_what_is_planted_is_found_and_what_is_absent_is_not() -> None:
    """Fifty absent effects are few: their share may lie well above 5 %."""
    held(planted_seeds=3, absent_seeds=10, at_most={1: 0.2})


@pytest.mark.slow
def test_the_false_positive_rate_holds_over_many_markets() -> None:
    """5 % where days do not overlap; errors of a week's overlap are too small in a year."""
    held(planted_seeds=20, absent_seeds=100, at_most={1: 0.08, 7: 0.14})


def test_a_fat_tail_is_fatter_the_fewer_its_degrees_of_freedom() -> None:
    thin, fat = (student(salted(1, "tail"), freedom, (50_000,)) for freedom in (30.0, 3.0))
    assert thin.std() == pytest.approx(1, abs=0.02)
    assert (np.abs(fat) > 4).mean() > 5 * (np.abs(thin) > 4).mean()


def test_a_drift_by_weekday_earns_nothing_in_a_whole_week() -> None:
    quiet = np.zeros((len(SPECS), 8 * 7))
    only = ABSENT.model_copy(update={"weekday_drift": 0.01})
    path = levels(SPECS, only, seed=1, start=START, market=quiet[0], shocks=quiet)
    assert np.abs(np.diff(path, axis=1)).max() > 0.01
    np.testing.assert_allclose(path[:, 7:] - path[:, :-7], 0, atol=1e-12)


def test_drifts_fade_with_market_cap_so_that_the_largest_keep_their_order() -> None:
    """Three years of drift treble a small calm asset, and leave the second largest in its place."""
    calm = AssetSpec("calm", "C", "Calm", "coin", "platform", 1.0, 1e6, beta=1.15, sigma=0.014)
    second = replace(calm, asset_id="second", supply=2e11)
    quiet = np.zeros((2, 1096))
    only = ABSENT.model_copy(update={"calm_drift": Effects().calm_drift})
    path = levels([calm, second], only, seed=1, start=START, market=quiet[0], shocks=quiet)
    small, large = np.exp(path[:, -1] - path[:, 0])
    assert small > 2.5
    assert 1 < large < 1.1


def test_the_dataset_says_what_is_planted(tmp_path: Path) -> None:
    small = ["--start", "2024-01-01", "--end", "2024-04-30", "--assets", "76", "--stablecoins", "7"]
    assert (
        main(["generate", str(tmp_path / "d"), *small, "--reversal", "0", "--delistings", "2"]) == 0
    )
    dataset = load(tmp_path / "d")
    reported = {effect.name: effect for effect in dataset.meta.effects}
    assert reported["reversal"].sign == 0
    assert reported["calm_drift"].sign == 1
    assert json.loads((dataset.path / "dataset.json").read_text())["settings"]["effects"] == {
        **Effects().model_dump(),
        "reversal": 0,
        "delistings": 2,
    }
    gone = (
        dataset.table("token_events")
        .filter((pl.col("kind") == "delist") & pl.col("asset_id").str.starts_with("sandbox-asset-"))
        .collect()
    )
    assert gone.height == 2
    prices = dataset.table("truth/price").collect()
    markets = dataset.table("markets").collect()
    for asset, day in gone.select("asset_id", "effective_day").iter_rows():
        last = day - timedelta(days=1)
        close = dict(
            prices.filter(pl.col("asset_id") == asset).select("day", "close_usd").iter_rows()
        )
        assert max(close) == last
        assert close[last] < 0.5 * close[last - timedelta(days=10)], "it fades before it goes"
        mine = markets.filter(pl.col("base_asset_id") == asset)
        assert set(mine["delisted_day"]) == {last}


def test_effects_move_no_plant(tmp_path: Path) -> None:
    """The same days, listings and defects, whatever is planted in returns."""
    settings = GeneratorSettings(
        start=date(2024, 1, 1), end=date(2024, 4, 30), assets=15, stablecoins=7
    )
    plain = settings.model_copy(update={"effects": ABSENT})
    one, other = (
        load(generate(each, tmp_path / name)) for name, each in (("a", settings), ("b", plain))
    )
    assert one.scenarios == other.scenarios
    for table in ("markets", "assets", "stablecoin_daily", "token_events"):
        assert one.table(table).collect().equals(other.table(table).collect()), table
