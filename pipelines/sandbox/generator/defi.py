"""What DefiLlama says about protocols and chains: TVL, tokens held, fees, volumes, yields.

A protocol holds units of tokens; its TVL is what they are worth, so that growth by price and growth
by inflow are both in it. Volumes follow TVL and the market's activity, fees follow volumes.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from pipelines.sandbox.generator.defects import World
from pipelines.sandbox.generator.paths import Path
from pipelines.sandbox.generator.returns import Series, salted
from pipelines.sandbox.generator.venues import ar1

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True)
class ChainSpec:
    """One chain.

    Attributes:
        name: DefiLlama's.
        coin: asset_id of its coin, if the market may have it.
        symbol: the coin's ticker.
        evm_id: EVM chain id.
        tvl: USD on the first day, beside the protocols of the cast.
        growth: yearly growth of that, as a log return.
        gas: USD of gas fees a day.
    """

    name: str
    coin: str | None
    symbol: str | None
    evm_id: int | None
    tvl: float
    growth: float
    gas: float = 0.0


@dataclass(frozen=True)
class ProtocolSpec:
    """One protocol.

    Attributes:
        slug: DefiLlama's.
        name: for people; the key of breakdowns.
        category: DefiLlama's.
        chains: share of each chain.
        tvl: USD on the first day; 0: it holds nothing.
        growth: yearly growth of what is held, as a log return.
        turn: volume a day over TVL; 0: it is no exchange.
        fee: fees over volume, or a year's fees over TVL where there is no volume.
        flat_fees: USD a day, where they follow neither.
        take: revenue over fees; None: DefiLlama has no revenue of it.
        holders: what holders get, over revenue.
        parent: slug of its family.
        asset_id: its token, if the market may have it.
        symbol: the token's ticker.
        volatile: share of its TVL that is not in dollars.
        starts: part of the window after which it begins.
        double_counted: its TVL is also that of another.
    """

    slug: str
    name: str
    category: str
    chains: Mapping[str, float]
    tvl: float
    growth: float = 0.1
    turn: float = 0.0
    fee: float = 0.0
    flat_fees: float = 0.0
    take: float | None = 0.2
    holders: float = 0.0
    parent: str | None = None
    asset_id: str | None = None
    symbol: str | None = None
    volatile: float = 0.6
    starts: float = 0.0
    double_counted: bool = False


_CHAINS = (
    ChainSpec("Ethereum", "ethereum", "ETH", 1, 24e9, 0.28, 4.5e6),
    ChainSpec("Solana", "solana", "SOL", None, 0.7e9, 0.9, 0.4e6),
    ChainSpec("BSC", "binancecoin", "BNB", 56, 2.6e9, 0.2, 0.35e6),
    ChainSpec("Arbitrum", "arbitrum", "ARB", 42161, 1.5e9, 0.05, 0.09e6),
    # it overtakes Arbitrum on the way
    ChainSpec("Base", None, None, 8453, 0.25e9, 1.0, 0.06e6),
    ChainSpec("Avalanche", "avalanche-2", "AVAX", 43114, 0.5e9, 0.25, 0.03e6),
    ChainSpec("Hyperliquid L1", "hyperliquid", "HYPE", 999, 0.03e9, 1.4),
    ChainSpec("Mantle", "mantle", "MNT", 5000, 0.11e9, 0.5),
    ChainSpec("Ink", None, None, 57073, 0.004e9, 1.6),
    ChainSpec("X Layer", "okb", "OKB", 196, 0.003e9, 0.6),
)
_PROTOCOLS = (
    ProtocolSpec("uniswap-v3", "Uniswap V3", "Dexs",
                 {"Ethereum": 0.72, "Arbitrum": 0.14, "Base": 0.14}, 2.6e9, 0.08, 0.34, 0.0011,
                 take=0.0, parent="uniswap", asset_id="uniswap", symbol="UNI"),
    ProtocolSpec("uniswap-v2", "Uniswap V2", "Dexs", {"Ethereum": 0.93, "Base": 0.07}, 0.9e9, 0.02,
                 0.08, 0.003, take=0.0, parent="uniswap", asset_id="uniswap", symbol="UNI"),
    # more fees than Uniswap on a smaller token
    ProtocolSpec("pancakeswap-amm-v3", "PancakeSwap AMM V3", "Dexs",
                 {"BSC": 0.68, "Ethereum": 0.12, "Base": 0.1, "Arbitrum": 0.1}, 0.4e9, 0.5, 1.9,
                 0.0026, take=0.34, holders=0.75, parent="pancakeswap",
                 asset_id="pancakeswap-token", symbol="CAKE"),
    ProtocolSpec("pancakeswap-amm", "PancakeSwap AMM", "Dexs", {"BSC": 1.0}, 0.9e9, -0.05, 0.1,
                 0.0025, take=0.32, holders=0.75, parent="pancakeswap",
                 asset_id="pancakeswap-token", symbol="CAKE"),
    ProtocolSpec("aerodrome-slipstream", "Aerodrome Slipstream", "Dexs", {"Base": 1.0}, 0.09e9, 0.7,
                 0.95, 0.0011, take=1.0, holders=1.0, parent="aerodrome",
                 asset_id="aerodrome-finance", symbol="AERO"),
    ProtocolSpec("curve-dex", "Curve DEX", "Dexs", {"Ethereum": 0.9, "Arbitrum": 0.1}, 1.6e9, -0.02,
                 0.09, 0.0004, take=None, parent="curve-finance", asset_id="curve-dao-token",
                 symbol="CRV", volatile=0.3),
    ProtocolSpec("joe-v2.2", "Joe V2.2", "Dexs", {"Avalanche": 0.8, "Arbitrum": 0.2}, 0.12e9, -0.1,
                 0.35, 0.0015, take=0.1, holders=1.0, parent="trader-joe", asset_id="joe",
                 symbol="JOE"),
    # from 7 to 193 million in two weeks, and past everybody else on its chain
    ProtocolSpec("blackhole-clmm", "Blackhole CLMM", "Dexs", {"Avalanche": 1.0}, 7e6, 0.1, 0.9,
                 0.001, take=1.0, holders=1.0, parent="blackhole", starts=0.85,
                 asset_id="blackhole", symbol="BLACK"),
    ProtocolSpec("project-x", "Project X", "Dexs", {"Hyperliquid L1": 1.0}, 28e6, 0.4, 0.8, 0.0012,
                 take=0.15, starts=0.88),
    ProtocolSpec("aave-v3", "Aave V3", "Lending",
                 {"Ethereum": 0.78, "Arbitrum": 0.1, "Base": 0.07, "Avalanche": 0.05}, 5.5e9, 0.4,
                 fee=0.035, take=0.13, holders=0.3, parent="aave", asset_id="aave", symbol="AAVE"),
    ProtocolSpec("morpho-v1", "Morpho V1", "Lending", {"Ethereum": 0.7, "Base": 0.3}, 0.4e9, 1.0,
                 fee=0.03, take=0.0, parent="morpho", asset_id="morpho",
                 symbol="MORPHO"),
    ProtocolSpec("sparklend", "SparkLend", "Lending", {"Ethereum": 1.0}, 1.7e9, 0.25, fee=0.025,
                 take=0.1, parent="spark", asset_id="spark-2", symbol="SPK"),
    ProtocolSpec("sky-lending", "Sky Lending", "CDP", {"Ethereum": 1.0}, 5e9, 0.02, fee=0.03,
                 take=0.45, holders=0.2, parent="sky", asset_id="sky", symbol="SKY"),
    ProtocolSpec("pendle", "Pendle", "Yield", {"Ethereum": 0.8, "Arbitrum": 0.12, "BSC": 0.08},
                 0.23e9, 0.8, 0.03, 0.0012, take=0.9, holders=0.8, asset_id="pendle",
                 symbol="PENDLE"),
    ProtocolSpec("ethena-usde", "Ethena USDe", "Basis Trading", {"Ethereum": 1.0}, 0.3e9, 1.2,
                 fee=0.09, take=0.2, parent="ethena", asset_id="ethena", symbol="ENA",
                 volatile=0.0),
    ProtocolSpec("lido", "Lido", "Liquid Staking", {"Ethereum": 1.0}, 16e9, 0.05, fee=0.032,
                 take=0.1, asset_id="lido-dao", symbol="LDO", volatile=1.0),
    ProtocolSpec("convex-finance", "Convex Finance", "Yield", {"Ethereum": 1.0}, 1.5e9, -0.1,
                 fee=0.04, take=0.17, holders=1.0, symbol="CVX", volatile=0.3, double_counted=True),
    ProtocolSpec("letsbonk.fun", "LetsBonk.fun", "Launchpad", {"Solana": 1.0}, 0.0,
                 flat_fees=0.9e6, take=1.0, holders=0.5, starts=0.6),
    ProtocolSpec("zora", "Zora", "SoFi", {"Base": 1.0}, 0.0, flat_fees=25e3, take=1.0, starts=0.3,
                 asset_id="zora", symbol="ZORA"),
    ProtocolSpec("binance-cex", "Binance CEX", "CEX", {"Ethereum": 0.6, "BSC": 0.4}, 60e9, 0.2,
                 take=None),
)  # fmt: skip
_TWIN = ProtocolSpec(
    "sandbox-twin-swap-a", "Sandbox Twin Swap A", "Dexs", {"Solana": 1.0}, 80e6, 0.3, 0.5, 0.002,
    take=0.25, holders=0.5, asset_id="sandbox-twin-a", symbol="SBXTWA",
)  # fmt: skip
_TWINS = (
    _TWIN,
    replace(
        _TWIN,
        slug="sandbox-twin-swap-b",
        name="Sandbox Twin Swap B",
        asset_id="sandbox-twin-b",
        symbol="SBXTWB",
    ),
)
# of the first version of a row
_FIRST = {
    "known_at": pl.lit(None, dtype=pl.Datetime("us", "UTC")),
    "is_deleted": pl.lit(value=False),
}
_FLOWS = ("fees", "revenue", "holders_revenue", "dex_volume")
# the surge of a new exchange: factors on what is held, a day
_SURGE = np.exp(np.linspace(0.0, np.log(193 / 7), 14))
_SURGING = "blackhole-clmm"
_RESTATED_AFTER_D = 10
_LATE_BY_D = 3
_ABSURD = 7.6e16


@dataclass
class _Protocol:
    """A protocol's series: what it holds in all, and by chain what it earns."""

    spec: ProtocolSpec
    first: int
    tokens: dict[str, tuple[Series, Series]] = field(default_factory=dict)
    tvl: dict[str, Series] = field(default_factory=dict)
    flows: dict[str, dict[str, Series]] = field(default_factory=dict)


def defi_tables(world: World, paths: Mapping[str, Path]) -> dict[str, pl.DataFrame]:
    """Return the tables of protocols, chains and yields, with versions, and note what is planted.

    Without protocols in the settings: no table.
    """
    specs = _specs(world)
    if not specs:
        return {}
    made = [_made(world, spec, paths) for spec in specs]
    frame = _protocol_daily(world, made)
    tables = {
        "protocol_token_daily": _token_daily(world, made),
        "chains": _chains(world),
        "chains_daily": _chains_daily(world, made, paths),
        **_yields(world, made),
    }
    return {
        "protocols": _protocols(world, made),
        "protocol_daily": _planted(world, frame).sort("protocol", "chain", "day", "known_at"),
        **{name: table.with_columns(**_FIRST) for name, table in tables.items()},
    }


def _specs(world: World) -> list[ProtocolSpec]:
    """Return the named protocols, the chains' gas, the twins, then numbered ones."""
    wanted = world.settings.protocols
    gas = tuple(
        ProtocolSpec(
            chain.name.lower().replace(" ", "-"), chain.name, "Chain", {chain.name: 1.0}, 0.0,
            flat_fees=chain.gas, take=0.7, asset_id=chain.coin, symbol=chain.symbol,
        )
        for chain in _CHAINS
        if chain.gas
    )  # fmt: skip
    named = (*_PROTOCOLS, *_TWINS, *gas)
    names = [chain.name for chain in _CHAINS]
    numbered = tuple(
        ProtocolSpec(
            f"sandbox-protocol-{number:04d}",
            f"Sandbox Protocol {number}",
            ("Dexs", "Lending", "Yield", "Derivatives", "CDP")[number % 5],
            {names[number % 5]: 0.7, names[(number + 1) % 5]: 0.3},
            2e6 * 1.21 ** (number % 40),
            turn=0.2 if number % 5 == 0 else 0.0,
            fee=0.002 if number % 5 == 0 else 0.03,
        )
        for number in range(len(named) + 1, wanted + 1)
    )
    return list((*named, *numbered)[:wanted])


def _made(world: World, spec: ProtocolSpec, paths: Mapping[str, Path]) -> _Protocol:
    settings = world.settings
    count = settings.day_count
    # twins have the same series to the last digit: that is what a tie is
    name = _TWIN.slug if spec in _TWINS else spec.slug
    rng = salted(settings.seed, "protocol", name)
    days = np.arange(count)
    first = int(spec.starts * count)
    made = _Protocol(spec, first)
    total = np.zeros(count)
    if spec.tvl:
        held = np.exp(
            spec.growth * (days - first) / 365.25
            + np.cumsum(0.008 * rng.standard_normal(count))
            + ar1(rng, count, 0.9, 0.02)
        )
        if spec.slug == _SURGING:
            surge = np.full(count, _SURGE[-1])
            surge[: first + len(_SURGE)] = np.concatenate([np.ones(first), _SURGE])[:count]
            held = np.exp(0.02 * rng.standard_normal(count)) * surge
        ether = paths["ethereum"].close[:count]
        for token, part, price in (
            ("WETH", spec.volatile, ether),
            ("USDC", 1 - spec.volatile, paths["usd-coin"].close[:count]),
        ):
            if part:
                amount = np.round(spec.tvl * part / price[first] * held, 6)
                amount[:first] = np.nan
                made.tokens[token] = (amount, np.round(amount * price, 2))
                total = total + np.nan_to_num(amount * price)
    activity = np.clip(paths["bitcoin"].activity[:count], 0, 5)
    noise = np.exp(ar1(rng, count, 0.6, 0.25) + 0.25 * (activity - 0.8))
    weights = np.stack(
        [share * np.exp(0.3 * ar1(rng, count, 0.99, 0.4)) for share in spec.chains.values()]
    )
    weights /= weights.sum(axis=0)
    for chain, weight in zip(spec.chains, weights, strict=True):
        there: Series = np.where(days >= first, total * weight, np.nan)
        made.tvl[chain] = np.round(there, 2) if spec.tvl else np.full(count, np.nan)
        made.flows[chain] = _flows(spec, there, weight * noise, days >= first)
    return made


def _flows(
    spec: ProtocolSpec, tvl: Series, noise: Series, begun: np.ndarray[tuple[int], Any]
) -> dict[str, Series]:
    """Return what a protocol turns over and earns on one chain; NaN where there is nothing."""
    nothing = np.full(len(tvl), np.nan)
    volume = tvl * spec.turn * noise / noise.mean() if spec.turn else nothing
    if spec.flat_fees:
        fees = np.where(begun, spec.flat_fees * noise, np.nan)
    elif spec.turn:
        fees = volume * spec.fee
    else:
        fees = tvl * spec.fee / 365 * noise / noise.mean() if spec.fee else nothing
    revenue = nothing if spec.take is None else fees * spec.take
    holders = revenue * spec.holders if spec.holders else nothing
    return {
        "fees": np.round(fees, 2),
        "revenue": np.round(revenue, 2),
        "holders_revenue": np.round(holders, 2),
        "dex_volume": np.round(volume, 2),
    }


def _day(world: World) -> pl.Expr:
    return pl.lit(world.settings.start) + pl.duration(days=pl.col("day"))


def _protocol_daily(world: World, made: list[_Protocol]) -> pl.DataFrame:
    count = world.settings.day_count
    frames = [
        pl.DataFrame(
            {
                "protocol": [one.spec.slug] * count,
                "chain": [chain] * count,
                "day": np.arange(count),
                "tvl": tvl,
                **one.flows[chain],
            }
        )
        for one in made
        for chain, tvl in one.tvl.items()
    ]
    values = ["tvl", *_FLOWS]
    return (
        pl.concat(frames)
        .with_columns(pl.col(values).fill_nan(None))
        .filter(pl.any_horizontal(pl.col(values).is_not_null()))
        .with_columns(day=_day(world), **_FIRST)
    )


def _planted(world: World, frame: pl.DataFrame) -> pl.DataFrame:
    """Plant what DefiLlama's data is known for."""
    plan, count = world.plan, world.settings.day_count

    def at(slug: str, chain: str, number: int) -> pl.Expr:
        return (
            (pl.col("protocol") == slug)
            & (pl.col("chain") == chain)
            & (pl.col("day") == world.day(number))
        )

    def put(where: pl.Expr, column: str, value: pl.Expr) -> None:
        nonlocal frame
        frame = frame.with_columns(
            pl.when(where).then(value).otherwise(pl.col(column)).alias(column)
        )

    def known(number: int, hour: int) -> pl.Expr:
        return pl.lit(world.instant(number, hour)).cast(pl.Datetime("us", "UTC"))

    slugs = set(frame["protocol"])

    def note(id_: str, entity: str, first: int, last: int, what: str, expect: str) -> None:
        if entity.partition(" ")[0] in slugs:
            world.note(id_, entity, first, last, what, expect)

    day = plan.restated
    later = frame.filter(at("uniswap-v3", "Ethereum", day)).with_columns(
        fees=(pl.col("fees") * 1.31).round(2), known_at=known(day + _RESTATED_AFTER_D, 1)
    )
    if day + _RESTATED_AFTER_D <= count:
        frame = pl.concat([frame, later])
        note(
            "F-7", "uniswap-v3", day, day, "fees of a day are restated by 31 % ten days later",
            "the marts of before keep the first figure as of then; the newest have the second",
        )  # fmt: skip
    day = plan.late
    put(at("aave-v3", "Base", day), "known_at", known(day + _LATE_BY_D, 12))
    note(
        "F-8", "aave-v3 on Base", day, day, "TVL and fees of a day arrive three days late",
        "the day's total is unknown or partial until then, never silently smaller",
    )  # fmt: skip
    day = plan.zero_volume
    for column in _FLOWS:
        put(at("joe-v2.2", "Avalanche", day), column, pl.lit(0.0))
        put(at("joe-v2.2", "Avalanche", day + 1), column, pl.lit(None, dtype=pl.Float64))
    note(
        "F-11", "joe-v2.2 on Avalanche", day, day + 1,
        "a day with zero fees and volume, and a day without a record of them",
        "zero stays zero and missing stays missing; neither is filled",
    )  # fmt: skip
    day = plan.spike
    put(at("curve-dex", "Ethereum", day), "dex_volume", pl.lit(_ABSURD))
    put(at("curve-dex", "Ethereum", day + 1), "dex_volume", pl.lit(-5.2e6))
    note(
        "F-17", "curve-dex on Ethereum", day, day + 1,
        "a volume of 7.6e16 dollars from wrong decimals, then a negative one",
        "both are quarantined by plausibility against TVL",
    )  # fmt: skip
    day = plan.deleted
    # what DefiLlama cannot believe it takes away until somebody has looked
    taken = frame.filter(at("sky-lending", "Ethereum", day)).with_columns(
        known_at=known(day + 2, 3), is_deleted=pl.lit(value=True)
    )
    frame = pl.concat([frame, taken])
    note(
        "F-7", "sky-lending", day, day, "a day is deleted by the source two days later",
        "the day is unknown from then on; as of before it is known",
    )  # fmt: skip
    day = plan.disputed
    frame = frame.filter(~at("pendle", "Arbitrum", day))
    note(
        "F-4", "pendle on Arbitrum", day, day, "a chain has no record of a day",
        "the total is NULL or marked partial, never silently smaller",
    )  # fmt: skip
    return frame


def _protocols(world: World, made: list[_Protocol]) -> pl.DataFrame:
    cast = {spec.asset_id for spec in world.cast.assets}
    rows = [
        {
            "protocol": one.spec.slug,
            "name": one.spec.name,
            "symbol": one.spec.symbol,
            "category": one.spec.category,
            "parent": one.spec.parent,
            "gecko_id": None if _is_made_up(one.spec.asset_id) else one.spec.asset_id,
            "asset_id": one.spec.asset_id if one.spec.asset_id in cast else None,
            "listed_day": world.day(one.first) - timedelta(days=0 if one.first else 400),
            "dead_from": None,
            "double_counted": one.spec.double_counted,
        }
        for one in made
    ]
    # a protocol is listed once it is there
    return (
        pl.DataFrame(rows, schema_overrides={"dead_from": pl.Date}, infer_schema_length=None)
        .with_columns(
            known_at=pl.when(pl.col("listed_day") > world.settings.start)
            .then(pl.col("listed_day").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
            .otherwise(None),
            is_deleted=pl.lit(value=False),
        )
        .sort("protocol")
    )


def _is_made_up(asset_id: str | None) -> bool:
    return asset_id is not None and asset_id.startswith("sandbox-")


def _token_daily(world: World, made: list[_Protocol]) -> pl.DataFrame:
    count = world.settings.day_count
    frames = [
        pl.DataFrame(
            {
                "protocol": [one.spec.slug] * count,
                "token": [token] * count,
                "day": np.arange(count),
                "amount": amount,
                "value": value,
            }
        )
        for one in made
        # what is huge is not printed
        if one.spec.slug != "uniswap-v2"
        for token, (amount, value) in one.tokens.items()
    ]
    return (
        pl.concat(frames)
        .with_columns(pl.col("amount", "value").fill_nan(None), day=_day(world))
        .drop_nulls("amount")
        .sort("protocol", "token", "day")
    )


def _chains(world: World) -> pl.DataFrame:
    cast = {spec.asset_id for spec in world.cast.assets}
    return pl.DataFrame(
        [
            {
                "chain": chain.name,
                "gecko_id": chain.coin,
                "token_symbol": chain.symbol,
                "asset_id": chain.coin if chain.coin in cast else None,
                "evm_chain_id": chain.evm_id,
            }
            for chain in _CHAINS
        ],
        infer_schema_length=None,
    ).sort("chain")


def _chains_daily(world: World, made: list[_Protocol], paths: Mapping[str, Path]) -> pl.DataFrame:
    """Return each chain's TVL: its protocols' and much that nobody listed here."""
    count = world.settings.day_count
    ether = paths["ethereum"].close[:count]
    frames = []
    for chain in _CHAINS:
        rng = salted(world.settings.seed, "chain", chain.name)
        days = np.arange(count)
        other = chain.tvl * np.exp(
            chain.growth * days / 365.25
            + 0.6 * np.log(ether / ether[0])
            + np.cumsum(0.006 * rng.standard_normal(count))
        )
        listed = sum(
            (
                np.nan_to_num(one.tvl[chain.name])
                for one in made
                if chain.name in one.tvl and _counts(one.spec)
            ),
            start=np.zeros(count),
        )
        frames.append(
            pl.DataFrame(
                {
                    "chain": [chain.name] * count,
                    "day": days,
                    "tvl": np.round(other + listed, 2),
                }
            )
        )
    return pl.concat(frames).with_columns(day=_day(world)).sort("chain", "day")


def _counts(spec: ProtocolSpec) -> bool:
    """Tell whether a protocol's TVL is part of its chains'."""
    return not spec.double_counted and spec.category not in ("Liquid Staking", "CEX", "Chain")


def _yields(world: World, made: list[_Protocol]) -> dict[str, pl.DataFrame]:
    """Return the tables `yield_pools` and `yield_daily`: a pool or two of who holds something."""
    count = world.settings.day_count
    pools: list[dict[str, Any]] = []
    frames = []
    for one in made:
        spec = one.spec
        if not spec.tvl or spec.category not in ("Dexs", "Lending", "Yield", "Basis Trading"):
            continue
        chain = next(iter(spec.chains))
        for symbol, share in (
            (("USDC", 0.3),) if not spec.turn else (("USDC-WETH", 0.4), ("USDC-USDT", 0.1))
        ):
            name = str(uuid.uuid5(_NAMESPACE, f"{spec.slug}:{chain}:{symbol}"))
            rng = salted(world.settings.seed, "pool", spec.slug, symbol)
            pools.append(
                {
                    "pool": name,
                    "project": spec.slug,
                    "chain": chain,
                    "symbol": symbol,
                    "stablecoin": "WETH" not in symbol,
                    "pool_meta": None,
                }
            )
            tvl = share * one.tvl[chain]
            earned = one.flows[chain]["fees"] / np.where(one.tvl[chain] > 0, one.tvl[chain], np.nan)
            reward = np.maximum(0, 4 + ar1(rng, count, 0.98, 2.0))
            has_reward = len(pools) % 2 == 0
            frames.append(
                pl.DataFrame(
                    {
                        "pool": [name] * count,
                        "day": np.arange(count),
                        "tvl": np.round(tvl),
                        "apy_base": np.round(100 * 365 * earned, 5),
                        "apy_reward": np.round(reward, 5) if has_reward else np.full(count, np.nan),
                    }
                )
            )
    if not pools:
        return {}
    daily = (
        pl.concat(frames)
        .with_columns(pl.col("tvl", "apy_base", "apy_reward").fill_nan(None), day=_day(world))
        .drop_nulls("tvl")
    )
    return {
        "yield_pools": pl.DataFrame(pools, schema_overrides={"pool_meta": pl.String}).sort("pool"),
        "yield_daily": daily.sort("pool", "day"),
    }
