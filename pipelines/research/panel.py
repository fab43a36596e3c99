"""What the bench works on: daily bars, who was in the universe, and measures to judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, BoolArray, FloatArray
from pipelines.analytics.cross_section import Grid, rank_rows
from pipelines.analytics.factors import (
    OPTIONAL_COLUMNS,
    catalogue,
    catalogue_by_name,
    compute_factors,
)
from pipelines.analytics.quality import ALL, top_universes
from pipelines.analytics.scoring import own_percentile
from pipelines.core import warehouse
from pipelines.research.errors import ResearchError

TIER_COUNT = 3
"""Parts of the universe by traded value: tier_1 is the most liquid."""

MIN_ASSETS = 20
MIN_DAYS = 250
"""With fewer assets or days nothing can be concluded, whatever the figures are."""

OWN = "own_"
"""Before a factor's name: its percentile in the asset's own past, as the trend score takes it."""

FUNDINGS_OF_DAY = 3
"""Stretches of eight hours: what the rates of funding are said for."""

HISTORY_D = 365
HISTORY_MIN_OBS = 90

BAR_COLUMNS = ("high_usd", "low_usd", "close_usd", "volume_usd")


@dataclass(slots=True)
class ResearchPanel:
    """A panel with everything that the bench needs.

    Attributes:
        name: where it is from.
        grid: its days and assets.
        bars: one row per (asset_id, day): what ``compute_factors`` takes.
        closes: days by assets, constant units, 0 once dead.
        universes: who belongs to each universe on each day; 'all' is the widest.
        funding: days by assets: what longs paid shorts over the day, NaN where it is unknown.
        factors: factor name to its values, high is good (the sign is applied).
        own_history: ``OWN`` and a factor's name to its percentile in the asset's own past.
        grades: grade name to its values, as they were published.
        computed: factors of every bar, as ``compute_factors`` gave them.
    """

    name: str
    grid: Grid
    bars: pl.DataFrame
    closes: FloatArray
    universes: dict[str, BoolArray]
    funding: FloatArray
    factors: dict[str, FloatArray] = field(default_factory=dict)
    own_history: dict[str, FloatArray] = field(default_factory=dict)
    grades: dict[str, FloatArray] = field(default_factory=dict)
    computed: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def warning(self) -> str | None:
        """Why nothing can be concluded from the panel; None if something can."""
        member = self.universes[ALL].sum(axis=1)
        days = int((member >= MIN_ASSETS).sum())
        if days >= MIN_DAYS:
            return None
        return (
            f"Nothing can be concluded: {days} days have {MIN_ASSETS} members or more, "
            f"{MIN_DAYS} are needed; the widest day has {int(member.max(initial=0))}."
        )

    def with_factors(self, names: Sequence[str] | None = None) -> ResearchPanel:
        """Compute factors of the catalogue for the members of each day; None: all there can be."""
        computed = self.computed = compute_factors(self.bars.lazy(), names).collect()
        member = self.universes[ALL]
        known = [factor for factor in catalogue() if factor.name in computed.columns]
        values = self.grid.matrices(computed, [factor.name for factor in known])
        for factor, matrix in zip(known, values, strict=True):
            self.factors[factor.name] = np.where(member, factor.sign * matrix, np.nan)
        return self

    def with_own_history(self, names: Sequence[str]) -> ResearchPanel:
        """Place factors that are there in their assets' own past; a name begins with ``OWN``."""
        for name in names:
            values = self.factors.get(name.removeprefix(OWN))
            if name.startswith(OWN) and values is not None:
                self.own_history[name] = rolled(
                    values, lambda value: own_percentile(value, HISTORY_D, HISTORY_MIN_OBS)
                )
        return self


def is_score(name: str) -> bool:
    """Whether it is a factor of the catalogue, or the place of one in the asset's own past."""
    return name.removeprefix(OWN) in catalogue_by_name()


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseRule:
    """Who is looked at, by what is known on the day: the numbers of ``cfg_universe``.

    Attributes:
        excluded_classes: kinds of assets that are not judged.
        min_history_d: days since the first close.
        min_quality_30d_frac: share of the last 30 days that have a close.
        volume_median_30d_min_obs: volumes that the median needs.
        min_volume_median_30d_usd: traded value of an ordinary day.
    """

    excluded_classes: tuple[str, ...]
    min_history_d: int
    min_quality_30d_frac: float
    volume_median_30d_min_obs: int
    min_volume_median_30d_usd: float

    @classmethod
    def from_seed(cls, seeds: Path) -> UniverseRule:
        """Read the newest version of the core universe."""
        seed = pl.read_csv(seeds / "identity/cfg_universe.csv").filter(
            pl.col("universe_id") == "core"
        )
        row = seed.sort("version").tail(1).row(0, named=True)
        return cls(
            excluded_classes=tuple(row["excluded_classes"].split(",")),
            min_history_d=row["min_history_d"],
            min_quality_30d_frac=row["min_quality_30d_frac"],
            volume_median_30d_min_obs=row["volume_median_30d_min_obs"],
            min_volume_median_30d_usd=row["min_volume_median_30d_usd"],
        )


def read_panel(path: Path, *, seeds: Path) -> ResearchPanel:
    """A panel from a publication, a dataset folder or a file of daily bars.

    Args:
        path: a published DuckDB file; a dataset folder; or a Parquet file with ``symbol``, ``day``,
            ``high``, ``low``, ``close`` and a volume in USD (``volume_quote`` or
            ``volume_quote_approx``), and any of ``OPTIONAL_COLUMNS``, as known at the day's end.
        seeds: folder of the seeds, for the universe of what has none yet.

    Raises:
        ResearchError: it is none of these, or lacks what is needed.
    """
    if path.is_dir() and (path / "dataset.json").exists():
        return _from_bars(_dataset_bars(path), path.name, UniverseRule.from_seed(seeds))
    if path.suffix == ".duckdb":
        return _from_publication(path)
    if path.suffix == ".parquet" and path.is_file():
        bars = _recorded_bars(path, seeds)
        return _from_bars(bars, path.parent.name, UniverseRule.from_seed(seeds))
    msg = f"{path} is no publication (.duckdb), no dataset folder and no Parquet file of bars"
    raise ResearchError(msg)


def _from_bars(bars: pl.DataFrame, name: str, rule: UniverseRule) -> ResearchPanel:
    if bars.is_empty():
        msg = f"{name} has no daily bars of assets that can be judged"
        raise ResearchError(msg)
    grid = Grid.around(bars)
    closes, volumes = grid.matrices(bars, ["close_usd", "volume_usd"])
    (funding,) = grid.matrices(bars.select(ASSET, DAY, _daily_funding(bars)), ["funding"])
    known = ~np.isnan(closes)
    history = np.maximum.accumulate(known, axis=0).cumsum(axis=0)
    traded = _median_30d(volumes, rule.volume_median_30d_min_obs)
    member = (
        known
        & (history >= rule.min_history_d)
        & (_sum_30d(known) >= rule.min_quality_30d_frac * 30 - 1e-9)
        & (np.nan_to_num(traded) >= rule.min_volume_median_30d_usd)
    )
    return ResearchPanel(
        name,
        grid,
        _marked(bars, grid, member),
        closes,
        _universes(traded, member),
        funding,
    )


def _daily_funding(bars: pl.DataFrame) -> pl.Expr:
    """What longs paid shorts over the day, unknown where the bars do not say."""
    rate = pl.col("funding_8h_eq") if "funding_8h_eq" in bars.columns else pl.lit(None)
    return (FUNDINGS_OF_DAY * rate).cast(pl.Float64).alias("funding")


def _marked(bars: pl.DataFrame, grid: Grid, member: BoolArray) -> pl.DataFrame:
    return bars.with_columns(pl.Series("in_universe", member[grid.locate(bars)]))


def _universes(traded: FloatArray, member: BoolArray) -> dict[str, BoolArray]:
    """All members, the most traded ones, and thirds of the members by traded value."""
    rank = rank_rows(np.where(member, -traded, np.nan))
    count = member.sum(axis=1, keepdims=True)
    third = np.ceil(rank * TIER_COUNT / np.maximum(count, 1))
    tiers = {f"tier_{tier}": member & (third == tier) for tier in range(1, TIER_COUNT + 1)}
    return {**top_universes(rank, member, (50, 20)), **tiers}


def _sum_30d(known: BoolArray) -> FloatArray:
    total = np.vstack([np.zeros(known.shape[1]), known.cumsum(axis=0)])
    start = np.maximum(np.arange(len(known)) - 29, 0)
    seen: FloatArray = total[1:] - total[start]
    return seen


def _median_30d(values: FloatArray, min_obs: int) -> FloatArray:
    return rolled(values, lambda value: value.rolling_median(30, min_samples=min_obs))


def rolled(values: FloatArray, window: Callable[[pl.Expr], pl.Expr]) -> FloatArray:
    """What a window that rolls over the days makes of each column.

    Args:
        values: days by assets.
        window: the rolling expression of one column, NULL where it has no value.
    """
    names = [str(column) for column in range(values.shape[1])]
    found = pl.DataFrame(dict(zip(names, values.T, strict=True))).with_columns(
        pl.all().fill_nan(None)
    )
    rolled = found.select(window(pl.col(name)).alias(name) for name in names)
    return rolled.to_numpy().astype(np.float64)


def _recorded_bars(path: Path, seeds: Path) -> pl.DataFrame:
    given = pl.read_parquet(path)
    volume = next((v for v in ("volume_quote", "volume_quote_approx") if v in given.columns), None)
    missing = sorted({"symbol", "day", "high", "low", "close"} - set(given.columns))
    if missing or volume is None:
        msg = f"{path} lacks {missing or 'a volume in USD'}"
        raise ResearchError(msg)
    rule = UniverseRule.from_seed(seeds)
    excluded = (
        pl.read_csv(seeds / "identity/dim_asset_curated.csv")
        .filter(pl.col("asset_class").is_in(rule.excluded_classes))["symbol"]
        .str.to_uppercase()
    )
    quote = r"(USDT|USDC|USD)$"
    return (
        # a symbol is a pair or a code: LUSD is no L against the dollar
        given.filter(
            ~pl.col("symbol").str.replace(quote, "").is_in(excluded.implode()),
            ~pl.col("symbol").is_in(excluded.implode()),
        ).select(
            pl.col("symbol").alias(ASSET),
            pl.col("day").cast(pl.Date).alias(DAY),
            pl.col("high").alias("high_usd"),
            pl.col("low").alias("low_usd"),
            pl.col("close").alias("close_usd"),
            pl.col(volume).alias("volume_usd"),
            *(pl.col(column) for column in OPTIONAL_COLUMNS if column in given.columns),
        )
    )


def _dataset_bars(folder: Path) -> pl.DataFrame:
    """Bars of each asset's most traded dollar market: the bench asks for ranks, not for prices."""
    for table in ("assets", "markets", "candles"):
        if not _has_table(folder, table):
            msg = f"{folder} has no table {table}"
            raise ResearchError(msg)
    assets, markets = _table(folder, "assets"), _table(folder, "markets")
    judged = assets.filter(
        ~pl.col("asset_class").is_in(
            ["stablecoin", "wrapped", "liquid_staking", "commodity_token", "fiat"]
        )
    ).select(pl.col("asset_id").alias(ASSET))
    dollar = markets.filter(
        pl.col("quote_code").is_in(["USD", "USDT", "USDC", "ZUSD", "BUSD", "FDUSD"])
        & pl.col("base_asset_id").is_not_null()
    ).select(
        "venue",
        "symbol",
        pl.col("base_asset_id").alias(ASSET),
        "listed_day",
        pl.col("delisted_day").fill_null(pl.date(9999, 12, 31))
        if "delisted_day" in markets.collect_schema()
        else pl.date(9999, 12, 31).alias("delisted_day"),
    )
    daily = _table(folder, "candles").filter(pl.col("interval") == "1d")
    volume = (
        pl.coalesce("volume_quote", pl.col("volume_base") * pl.col("close"))
        if "volume_quote" in daily.collect_schema()
        else pl.col("volume_base") * pl.col("close")
    )
    candles = (
        daily.select(
            "venue",
            "symbol",
            pl.col("open_time").dt.date().alias(DAY),
            pl.col("high").alias("high_usd"),
            pl.col("low").alias("low_usd"),
            pl.col("close").alias("close_usd"),
            volume.alias("volume_usd"),
        )
        .join(dollar, on=["venue", "symbol"])
        .filter(pl.col(DAY).is_between(pl.col("listed_day"), pl.col("delisted_day")))
        .join(judged, on=ASSET, how="semi")
        .unique(["venue", "symbol", DAY], keep="last", maintain_order=True)
    )
    main = (
        candles.group_by(ASSET, "venue", "symbol")
        .agg(pl.col("volume_usd").sum())
        .sort(ASSET, "volume_usd", "venue", "symbol", descending=[False, True, False, False])
        .unique(ASSET, keep="first", maintain_order=True)
        .select("venue", "symbol", ASSET)
    )
    bars = candles.join(main, on=["venue", "symbol", ASSET]).select(ASSET, DAY, *BAR_COLUMNS)
    if _has_table(folder, "funding") and _has_table(folder, "perpetuals"):
        bars = bars.join(_dataset_funding(folder), on=[ASSET, DAY], how="left")
    return bars.collect()


def _dataset_funding(folder: Path) -> pl.LazyFrame:
    """Mean rate of each asset's perpetuals on each day, per eight hours."""
    perpetual = (
        _table(folder, "perpetuals")
        .filter(pl.col("base_asset_id").is_not_null())
        .select("venue", "symbol", pl.col("base_asset_id").alias(ASSET))
        .unique(["venue", "symbol"])
    )
    day = pl.col("funding_time").dt.date().alias(DAY)
    paid = _table(folder, "funding").unique(
        ["venue", "symbol", "funding_time"], keep="last", maintain_order=True
    )
    return (
        paid.group_by("venue", "symbol", day)
        .agg(pl.col("rate").sum())
        .join(perpetual, on=["venue", "symbol"])
        .group_by(ASSET, DAY)
        .agg((pl.col("rate").mean() / FUNDINGS_OF_DAY).alias("funding_8h_eq"))
    )


def _has_table(folder: Path, name: str) -> bool:
    return (folder / f"{name}.parquet").exists() or (folder / name).is_dir()


def _table(folder: Path, name: str) -> pl.LazyFrame:
    file = folder / f"{name}.parquet"
    return pl.scan_parquet(file if file.exists() else folder / name / "**/*.parquet")


_BARS_SQL = """
    with chain_money as (
        select chain.coin_asset_id as asset_id, money.day, sum(money.stables_usd) as stables_usd
        from marts.chain_daily as money
        inner join marts.dim_chain as chain on money.chain_id = chain.chain_id
        where chain.coin_asset_id is not null
        group by chain.coin_asset_id, money.day
    )

    select price.asset_id, price.day, price.high_usd, price.low_usd, price.close_usd,
        price.volume_usd, returns.ret_1d, member.is_member as in_universe, member.universe_rank,
        member.volume_median_30d_usd, derivative.funding_8h_eq, derivative.basis_frac,
        derivative.oi_usd, value.mcap_usd, value.supply_circulating_native as supply_native,
        network.active_address_count, value.fees_7d_usd / 7 as fees_usd,
        chain_money.stables_usd as chain_stables_usd
    from marts.ohlcv_daily as price
    inner join marts.dim_universe_membership as member
        on price.asset_id = member.asset_id and price.day = member.day
        and member.universe_id = 'core' and member.membership_reason != 'asset_class'
    left join marts.returns_risk_daily as returns
        on price.asset_id = returns.asset_id and price.day = returns.day
    left join marts.derivatives_daily as derivative
        on price.asset_id = derivative.asset_id and price.day = derivative.day
    left join marts.valuation_daily as value
        on price.asset_id = value.asset_id and price.day = value.day
    left join marts.network_valuation_daily as network
        on price.asset_id = network.asset_id and price.day = network.day
    left join chain_money
        on price.asset_id = chain_money.asset_id and price.day = chain_money.day
    order by price.asset_id, price.day
"""

_DEATHS_SQL = """
    select asset_id, min(cast(effective_at as date)) as day
    from marts.dim_token_event
    where event_kind = 'dead'
    group by asset_id
    order by asset_id
"""

_GRADES = {
    "trader_grade": "trader_grade_daily",
    "trend_score": "trader_grade_daily",
    "investor_grade": "investor_grade_daily",
}


def _from_publication(path: Path) -> ResearchPanel:
    with warehouse.read(path) as connection:
        columns = set(
            connection.execute(
                "select table_name, column_name from duckdb_columns() where schema_name = 'marts'"
            ).fetchall()
        )
        if ("ohlcv_daily", "close_usd") not in columns:
            msg = f"{path} has no mart ohlcv_daily: it is no publication"
            raise ResearchError(msg)
        bars = connection.execute(_BARS_SQL).pl()
        deaths = connection.execute(_DEATHS_SQL).pl()
        grades = {
            column: connection.execute(
                f"select asset_id, day, {column} from marts.{table} where {column} is not null"  # noqa: S608  # names of our own
            ).pl()
            for column, table in _GRADES.items()
            if (table, column) in columns
        }
        narratives = connection.execute(
            """
            select asset_id, narrative_id, valid_from, valid_to
            from marts.dim_narrative_membership
            """
        ).pl()
    if bars.is_empty():
        msg = f"{path} has no prices"
        raise ResearchError(msg)
    # what sources tell hours after the close is known a day later
    late = [column for column in OPTIONAL_COLUMNS if column in bars.columns]
    bars = bars.sort(ASSET, DAY)
    paid = bars.select(ASSET, DAY, _daily_funding(bars))
    bars = bars.with_columns(pl.col(late).cast(pl.Float64).shift(1).over(ASSET))
    bars = bars.select(
        pl.exclude(late),
        *(pl.col(column) for column in late if bars[column].null_count() < bars.height),
    )
    grid = Grid.around(bars)
    closes, returns, traded = grid.matrices(bars, ["close_usd", "ret_1d", "volume_median_30d_usd"])
    (member,) = grid.matrices(bars, ["in_universe"])
    (funding,) = grid.matrices(paid, ["funding"])
    inside = np.nan_to_num(member) > 0
    universes = _universes(np.where(inside, traded, np.nan), inside)
    universes |= _narratives(grid, narratives, inside)
    # prices in first units: a change of units is no return
    factor = unit_factor(closes, returns)
    places = grid.locate(bars)
    bars = bars.drop("ret_1d", "universe_rank", "volume_median_30d_usd").with_columns(
        pl.col("in_universe").fill_null(value=False),
        *(pl.col(name) * pl.Series(factor[places]) for name in BAR_COLUMNS[:3]),
    )
    panel = ResearchPanel(
        path.stem, grid, bars, _after_death(grid, closes * factor, deaths), universes, funding
    )
    for name, frame in grades.items():
        (matrix,) = grid.matrices(_within(frame, grid), [name])
        if (~np.isnan(matrix)).any():
            panel.grades[name] = matrix
    return panel


def _within(frame: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    return frame.filter(
        pl.col(ASSET).is_in(list(grid.assets)) & pl.col(DAY).is_between(grid.days[0], grid.days[-1])
    )


def _after_death(grid: Grid, closes: FloatArray, deaths: pl.DataFrame) -> FloatArray:
    """What is dead is worth nothing from its day on."""
    worth = closes.copy()
    number = {asset: column for column, asset in enumerate(grid.assets)}
    for asset, day in deaths.select(ASSET, DAY).iter_rows():
        if asset in number and day <= grid.days[-1]:
            worth[max((day - grid.days[0]).days, 0) :, number[asset]] = 0.0
    return worth


def unit_factor(closes: FloatArray, returns: FloatArray) -> FloatArray:
    """By what each close is multiplied to be in the asset's first units, from published returns."""
    jump = np.ones_like(closes)
    before = np.vstack([np.full((1, closes.shape[1]), np.nan), closes[:-1]])
    reported = ~(np.isnan(closes) | np.isnan(before) | np.isnan(returns))
    ratio = np.where(reported, (1 + returns) * before / np.where(reported, closes, 1.0), 1.0)
    np.copyto(jump, ratio, where=np.abs(ratio - 1) > 1e-6)
    factor: FloatArray = np.cumprod(jump, axis=0).astype(np.float64)
    return factor


def _narratives(grid: Grid, membership: pl.DataFrame, inside: BoolArray) -> Mapping[str, BoolArray]:
    found: dict[str, BoolArray] = {}
    number = {asset: column for column, asset in enumerate(grid.assets)}
    days = np.array(grid.days, dtype="datetime64[D]")
    for row in membership.sort("narrative_id", ASSET).iter_rows(named=True):
        if row[ASSET] not in number:
            continue
        mask = found.setdefault(
            f"narrative_{row['narrative_id']}", np.zeros(inside.shape, dtype=np.bool_)
        )
        until = row["valid_to"] or grid.days[-1]
        column = number[row[ASSET]]
        mask[:, column] |= (days >= np.datetime64(row["valid_from"], "D")) & (
            days <= np.datetime64(until, "D")
        )
    return {
        name: mask & inside
        for name, mask in found.items()
        if (mask & inside).sum(axis=1).max(initial=0) >= MIN_ASSETS
    }
