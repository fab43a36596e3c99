"""What OKX lands."""

from pipelines.core.tables import (
    DAY_S,
    SETTLEMENTS,
    Candle,
    Column,
    Convention,
    Grid,
    Listing,
    Market,
    Table,
    Timing,
)
from pipelines.extraction import candles
from pipelines.sources.okx.settings import BARS, FUNDING_REACH_D

# what is longer than a day begins at a midnight
_BARS_S = {
    **{word: candles.INTERVAL_S[interval] for interval, word in BARS.items()},
    **dict.fromkeys(("2Dutc", "3Dutc", "1Wutc", "1Mutc", "3Mutc"), DAY_S),
}

HISTORY_CANDLES = Table(
    name="history_candles",
    description="Closed candles of spot pairs. One row per instrument, bar and open time.",
    key=("inst_id", "bar", "open_time"),
    grid=Grid(length="bar", words_s=_BARS_S, day=BARS[candles.DAILY]),
    entity="candle",
    candle=Candle("inst_id", ("volume_quote",)),
    restated=candles.RESTATED,
    timing=candles.daily("open time; bars of 1Dutc begin at 00:00 UTC and are confirmed"),
    columns=(
        Column("inst_id", "text", "Pair, as OKX names it: BTC-USDT."),
        Column("bar", "text", "Length of the candle: 1Dutc, a day that begins at 00:00 UTC."),
        Column("open_time", "timestamp", "First instant of the candle."),
        Column("open", "decimal", "First price, in quote currency.", above=0),
        Column("high", "decimal", "Highest price.", above=0),
        Column("low", "decimal", "Lowest price.", above=0),
        Column("close", "decimal", "Last price.", above=0),
        Column("volume_base", "decimal", "Traded amount, in base currency.", at_least=0),
        Column("volume_quote", "decimal", "Traded amount, in quote currency.", at_least=0),
    ),
)

FUNDING_RATE_HISTORY = Table(
    name="funding_rate_history",
    description="Settled funding of perpetual swaps. One row per instrument and settlement. The "
    "hours since the settlement before are the interval that the rate is for.",
    key=("inst_id", "funding_time"),
    grid=SETTLEMENTS,
    entity="funding_rate",
    timing=Timing(
        (
            Convention(
                "event", "instant of the settlement; the realized rate; three months back only"
            ),
        ),
        publish_lag_h=1,
        ttl_d=3,
        revises_for_d=3,
        reach_d=FUNDING_REACH_D,
    ),
    columns=(
        Column("inst_id", "text", "Swap, as OKX names it: BTC-USDT-SWAP."),
        Column("funding_time", "timestamp", "When it was settled."),
        Column("realized_rate", "decimal", "Rate paid by longs for the interval, a fraction."),
        Column(
            "funding_rate", "decimal", "Rate that had been predicted, a fraction.", required=False
        ),
        Column(
            "method", "text", "current_period or next_period.", required=False, is_open_set=True
        ),
        Column(
            "formula_type",
            "text",
            "noRate (the old formula) or withRate.",
            required=False,
            is_open_set=True,
        ),
    ),
)

INSTRUMENTS = Table(
    name="instruments",
    description="Spot pairs and perpetual swaps that OKX lists. One row per type and instrument.",
    key=("inst_type", "inst_id"),
    is_snapshot=True,
    listing=Listing(("inst_type", "inst_id"), "state", frozenset({"expired"})),
    market=Market(
        base="base_ccy",
        quote="quote_ccy",
        is_spot="inst_type = 'SPOT'",
        is_trading="state = 'live'",
    ),
    entity="instrument",
    columns=(
        Column("inst_type", "text", "SPOT or SWAP.", one_of=frozenset({"SPOT", "SWAP"})),
        Column("inst_id", "text", "Instrument, as OKX names it: BTC-USDT, BTC-USDT-SWAP."),
        Column("inst_family", "text", "Of a swap: its currencies, BTC-USDT.", required=False),
        Column("base_ccy", "text", "Of a pair: OKX's code of the base.", required=False),
        Column("quote_ccy", "text", "Of a pair: OKX's code of the quote.", required=False),
        Column("settle_ccy", "text", "Of a swap: what it is settled in.", required=False),
        Column(
            "contract_type",
            "text",
            "Of a swap: linear (settled in the quote) or inverse (in the base).",
            required=False,
            is_open_set=True,
        ),
        Column(
            "contract_value",
            "decimal",
            "Of a swap: size of one contract.",
            required=False,
            above=0,
        ),
        Column("contract_value_ccy", "text", "Unit of contract_value.", required=False),
        Column("state", "text", "Trading state: live, suspend, preopen, …", is_open_set=True),
        Column("list_time", "timestamp", "When it was listed.", required=False),
    ),
)

TABLES = (HISTORY_CANDLES, FUNDING_RATE_HISTORY, INSTRUMENTS, candles.intraday(HISTORY_CANDLES))
