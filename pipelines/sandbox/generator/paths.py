"""True prices: what one unit of each asset is worth in USD, day by day, without any venue.

A market factor with regimes, clustered volatility and fat tails; sectors; each asset's own part.
Levels revert slowly to a cycle, so that three years end where a market of that age may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.sandbox.generator import cast as parts
from pipelines.sandbox.generator.cast import AssetSpec, Cast, StableSpec
from pipelines.sandbox.generator.plan import Plan
from pipelines.sandbox.generator.returns import (
    MARKET_SIGMA,
    Series,
    levels,
    neglect,
    reverting,
    salted,
    student,
    total_sigma,
)
from pipelines.sandbox.generator.settings import GeneratorSettings

# levels of the cycle in log terms over three years; it runs back the same way afterwards
_CYCLE_YEARS = (0.0, 0.35, 0.8, 1.1, 1.45, 1.95, 2.3, 2.6, 3.0)
_CYCLE_LEVEL = (0.0, 0.70, 0.45, 0.90, 0.70, 1.05, 0.55, 0.80, 0.60)
# calm, normal, storm: factor on volatility, and the chance to stay
_REGIME_FACTOR = (0.55, 1.0, 2.0)
_REGIME_MOVES = ((0.975, 0.020, 0.005), (0.020, 0.960, 0.020), (0.010, 0.090, 0.900))
# how a coin and its stablecoin go down together, in log terms a day
_SPIRAL_BACKING = (-0.08, -0.30, -0.55, -0.90, -1.60, -3.00, -1.40, -0.60, -0.20)
# how a numbered asset goes before it is delisted
_FADING = (-0.15,) * 10
# how far a coin of one venue is off its peg, day by day
_LONELY_FALL = (-0.07, -0.09, -0.12, -0.10, -0.06, -0.03)
_SPIRAL_STABLE = (-0.012, -0.055, -0.19, -0.38, -0.75, -1.35, -2.1, -2.6, -3.1, -3.4)
# how the coin's supply explodes meanwhile, though never as fast as its price falls: factors a day
SPIRAL_MINT = (1.01, 1.04, 1.15, 1.5, 2.0, 2.5, 1.8, 1.2, 1.0)


@dataclass(frozen=True)
class Path:
    """An asset's true prices in USD, one value a day from the first to the running day.

    Attributes:
        open: price at the start of the day, in the day's own units.
        high: highest.
        low: lowest.
        close: price at the end of the day.
        activity: how eventful the day was: |return| over its usual size.
        first: number of the first day on which it trades.
        last: number of the last day on which it trades.
    """

    open: Series
    high: Series
    low: Series
    close: Series
    activity: Series
    first: int
    last: int


def _volatility(rng: np.random.Generator, count: int) -> Series:
    """Return the factor on everybody's volatility: regimes and clustering on top."""
    moves = np.cumsum(_REGIME_MOVES, axis=1)
    factor = np.empty(count)
    state, cluster = 1, 1.0
    for day, (jump, shock) in enumerate(
        zip(rng.random(count), np.abs(student(rng, 4.0, (count,))), strict=True)
    ):
        state = int(np.searchsorted(moves[state], jump))
        cluster = 0.88 * cluster + 0.12 * (0.35 + 0.95 * shock)
        factor[day] = _REGIME_FACTOR[min(state, 2)] * cluster
    factor /= factor.mean()
    return factor.clip(0.25, 3.5)


def _extremes(
    rng: np.random.Generator, change: Series, sigma: Series | float
) -> tuple[Series, Series]:
    """Return highest and lowest log level within each day, relative to its start.

    The maximum of a Brownian path that ends at `change` has a closed-form distribution; so has its
    minimum. Both hold open and close by construction.
    """
    spread = 2 * np.square(sigma)
    up = np.sqrt(np.square(change) - spread * np.log(rng.uniform(1e-9, 1, change.shape)))
    down = np.sqrt(np.square(change) - spread * np.log(rng.uniform(1e-9, 1, change.shape)))
    return (change + up) / 2, (change - down) / 2


def true_paths(
    settings: GeneratorSettings, cast: Cast, plan: Plan, rng: np.random.Generator
) -> Mapping[str, Path]:
    """Return the true prices of every asset of the cast and of the euro, by asset_id."""
    count = settings.day_count + 1
    # one level before the first day: its close is the first open
    volatility = _volatility(rng, count + 1)
    years = np.arange(-1, count) / 365.25
    turned = np.abs((years + 3.0) % 6.0 - 3.0)
    cycle = np.interp(turned, _CYCLE_YEARS, _CYCLE_LEVEL)
    shocks = MARKET_SIGMA * volatility * student(rng, 4.0, (count + 1,))
    shocks[plan.crash + 1] = -0.19
    shocks[plan.crash + 2] = 0.045
    market = cycle + reverting(shocks, 0.03)
    market -= market[0]

    paths = _asset_paths(settings, cast, plan, rng, market, volatility)
    for spec in cast.assets:
        if spec.is_drawn_apart:
            own_rng = salted(settings.seed, "path", spec.asset_id)
            paths[spec.asset_id] = _own_path(
                spec, settings, cast, plan, own_rng, market, volatility
            )
    for gold in cast.gold:
        own_rng = salted(settings.seed, "path", gold.asset_id) if gold.is_drawn_apart else rng
        first = paths.get(cast.gold[0].asset_id)
        paths[gold.asset_id] = _gold_path(gold, own_rng, first, cast.gold[0].price, count)
    paths["fiat-eur"] = _euro_path(settings, rng)
    for stable in cast.stables:
        paths[stable.asset_id] = _stable_path(stable, plan, rng, paths["fiat-eur"], count)
    return paths


def _asset_paths(
    settings: GeneratorSettings,
    cast: Cast,
    plan: Plan,
    rng: np.random.Generator,
    market: Series,
    volatility: Series,
) -> dict[str, Path]:
    specs = [spec for spec in cast.assets if not spec.is_drawn_apart]
    count = settings.day_count + 1
    sectors = sorted({spec.sector for spec in specs})
    tilt = reverting(0.010 * volatility * student(rng, 5.0, (len(sectors), count + 1)), pull=0.012)
    sigma = np.array([spec.sigma for spec in specs])
    freedom = settings.effects.tail_freedom
    shocks = sigma[:, None] * np.sqrt(volatility) * student(rng, freedom, (len(specs), count + 1))
    relative = levels(
        specs,
        settings.effects,
        seed=settings.seed,
        start=settings.start,
        market=market,
        shocks=shocks,
    )
    sector = tilt[[sectors.index(spec.sector) for spec in specs]]
    relative += neglect(specs, settings.effects) * sector
    relative -= relative[:, :1]
    total = total_sigma(specs)

    numbers = {spec.asset_id: number for number, spec in enumerate(specs)}
    relative[numbers[parts.TWINS[1]]] = relative[numbers[parts.TWINS[0]]]
    relative[numbers[parts.CONSTANT]] = 0.0
    if "wrapped-bitcoin" in numbers:
        relative[numbers["wrapped-bitcoin"]] = relative[numbers["bitcoin"]] + 0.0004 * reverting(
            student(rng, 4.0, (count + 1,)), 0.5
        )
    _let_fall(relative[numbers[parts.DEAD]], plan.death, np.full(40, -0.25))
    _let_fall(relative[numbers[parts.BACKING]], plan.spiral, np.array(_SPIRAL_BACKING))
    for asset_id, day in cast.delistings.items():
        _let_fall(relative[numbers[asset_id]], day - len(_FADING), np.array(_FADING))

    change = np.diff(relative, axis=1)
    up, down = _extremes(rng, change, 0.75 * total[:, None] * volatility[1:])
    up[numbers[parts.TWINS[1]]] = up[numbers[parts.TWINS[0]]]
    down[numbers[parts.TWINS[1]]] = down[numbers[parts.TWINS[0]]]
    up[numbers[parts.CONSTANT]] = down[numbers[parts.CONSTANT]] = 0.0
    start = np.array([spec.price for spec in specs])[:, None]
    opening = start * np.exp(relative[:, :-1])
    activity = np.abs(change) / total[:, None]

    unit = np.ones(count)
    unit[plan.redenomination :] = 1 / 100
    paths = {}
    for number, spec in enumerate(specs):
        factor = unit if spec.asset_id == parts.REDENOMINATED else np.ones(count)
        first, last = _trading_days(spec, settings, cast, plan)
        paths[spec.asset_id] = Path(
            open=opening[number] * factor,
            high=opening[number] * np.exp(up[number]) * factor,
            low=opening[number] * np.exp(down[number]) * factor,
            close=opening[number] * np.exp(change[number]) * factor,
            activity=activity[number],
            first=first,
            last=last,
        )
    return paths


def _trading_days(
    spec: AssetSpec, settings: GeneratorSettings, cast: Cast, plan: Plan
) -> tuple[int, int]:
    running = settings.day_count
    if spec.listed_back_d is not None:
        return max(running - spec.listed_back_d, 0), running
    if spec.asset_id == parts.TICKER_NEW:
        return plan.ticker + plan.ticker_gap, running
    if spec.asset_id == parts.DELISTED:
        return 0, plan.delisting
    if spec.asset_id == parts.DEAD:
        return 0, plan.dead_delisting
    return 0, cast.delistings.get(spec.asset_id, running)


def _let_fall(levels: Series, day: int, steps: Series) -> None:
    """Add the steps to the log levels from `day` on, for good."""
    fall = np.cumsum(steps)
    begin = day + 1
    end = min(begin + len(fall), len(levels))
    levels[begin:end] += fall[: end - begin]
    levels[end:] += fall[-1]


def _flat_path(
    level: Series, change: Series, rng: np.random.Generator, sigma: Series | float
) -> Path:
    """Return a path from log levels (one before the first day) that trades on all days."""
    up, down = _extremes(rng, change, sigma)
    opening = np.exp(level[:-1])
    scale = np.abs(change) / np.maximum(sigma, 1e-9)
    return Path(
        open=opening,
        high=opening * np.exp(up),
        low=opening * np.exp(down),
        close=opening * np.exp(change),
        activity=np.clip(scale, 0, 6),
        first=0,
        last=len(change) - 1,
    )


def _own_path(
    spec: AssetSpec,
    settings: GeneratorSettings,
    cast: Cast,
    plan: Plan,
    rng: np.random.Generator,
    market: Series,
    volatility: Series,
) -> Path:
    """Return a path that follows the market and is otherwise the asset's own."""
    freedom = settings.effects.tail_freedom
    shocks = spec.sigma * np.sqrt(volatility) * student(rng, freedom, (1, len(market)))
    (relative,) = levels(
        [spec],
        settings.effects,
        seed=settings.seed,
        start=settings.start,
        market=market,
        shocks=shocks,
    )
    change = np.diff(relative)
    (total,) = total_sigma([spec])
    up, down = _extremes(rng, change, 0.75 * total * volatility[1:])
    opening = spec.price * np.exp(relative[:-1] - relative[0])
    first, last = _trading_days(spec, settings, cast, plan)
    return Path(
        open=opening,
        high=opening * np.exp(up),
        low=opening * np.exp(down),
        close=opening * np.exp(change),
        activity=np.abs(change) / total,
        first=first,
        last=last,
    )


def _gold_path(
    spec: AssetSpec, rng: np.random.Generator, other: Path | None, ounce: float, count: int
) -> Path:
    if other is None:
        level = np.log(spec.price) + np.cumsum(0.00055 + 0.008 * student(rng, 5.0, (count + 1,)))
    else:
        level = np.log(np.concatenate([other.open[:1], other.close])) + np.log(spec.price / ounce)
    level = level + 0.0006 * reverting(student(rng, 4.0, (count + 1,)), 0.4)
    return _flat_path(level, np.diff(level), rng, 0.006)


def _euro_path(settings: GeneratorSettings, rng: np.random.Generator) -> Path:
    count = settings.day_count + 1
    weekend = np.array([day.weekday() >= 5 for day in settings.days])
    sigma = np.where(weekend, 0.0004, 0.0042)
    shocks = np.concatenate([[0.0], sigma * student(rng, 5.0, (count,))])
    level = np.log(1.085) + reverting(shocks, 0.01)
    return _flat_path(level, np.diff(level), rng, 0.6 * sigma)


def _stable_path(
    spec: StableSpec, plan: Plan, rng: np.random.Generator, euro: Path, count: int
) -> Path:
    sigma = spec.noise_bps / 1e4
    dev = reverting(sigma * student(rng, 4.0, (count + 1,)), 0.45)
    low_extra = np.zeros(count)
    if spec.asset_id == parts.LEFTOVER:
        dev = np.log(0.016) + reverting(0.04 * student(rng, 4.0, (count + 1,)), 0.03)
        sigma = 0.03
    if spec.asset_id == parts.DIPPING:
        dip = plan.depegged_quote + 1
        dev[dip : dip + 5] += (-0.0305, -0.0285, -0.0270, -0.0080, -0.0012)
        low_extra[dip - 1] = -0.085
    if spec.asset_id == parts.SLOW_DEPEG:
        begin = plan.slow_depeg + 1
        dev[begin : begin + plan.slow_depeg_days] -= 0.0078
    if spec.asset_id == parts.SPIRAL:
        begin = plan.spiral + 1
        fall = np.array(_SPIRAL_STABLE)
        end = min(begin + len(fall), len(dev))
        dev[begin:end] += fall[: end - begin]
        dev[end:] += fall[-1] + reverting(0.05 * student(rng, 4.0, (len(dev) - end,)), 0.05)
    if spec.asset_id == parts.LONELY_FALL:
        begin = plan.lonely_fall + 1
        end = min(begin + len(_LONELY_FALL), len(dev))
        dev[begin:end] += _LONELY_FALL[: end - begin]
    if spec.asset_id == "tether":
        # a dip within the day that is over at its end must never open an event
        low_extra[plan.intraday_dip] = -0.042
        dev[plan.intraday_dip + 1] = -0.0031
    peg = np.zeros(count + 1)
    if spec.peg == "EUR":
        peg = np.log(np.concatenate([euro.open[:1], euro.close]))
    level = peg + dev
    path = _flat_path(level, np.diff(level), rng, max(sigma, 0.0004))
    return Path(
        open=path.open,
        high=path.high,
        low=np.minimum(path.low, path.open * np.exp(low_extra)),
        close=path.close,
        activity=path.activity,
        first=path.first,
        last=path.last,
    )
