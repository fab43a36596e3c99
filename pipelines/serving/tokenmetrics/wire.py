"""Which field of Token Metrics' wire format is which column of a mart: data, and no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# Their ids are whole numbers. Ours are made from the asset's id, which never changes its meaning,
# and from nothing else: the same number in every publication, rebuild and copy of the data, with no
# register to be lost. 52 bits of SHA-256, so that JavaScript and float64 hold it exactly; of 20,000
# assets two share a number with a probability of 1 in 20 million, and then nothing is answered.
NUMBER = "cast('0x' || substr(sha256({}), 1, 13) as bigint)"
NUMBER_OF_ASSET = NUMBER.format("asset_id")

_PCT_CHANGE = "100 * {change} / nullif({grade} - {change}, 0)"
_TRADER_PCT_CHANGE = _PCT_CHANGE.format(grade="trader_grade", change="grade_change_1d")
_NOT_HELD = "cast(null as double)"
_TOKEN = {"TOKEN_ID": NUMBER_OF_ASSET, "TOKEN_NAME": "name", "TOKEN_SYMBOL": "symbol"}
_TOKEN_DAY = {**_TOKEN, "DATE": "day"}


@dataclass(frozen=True, slots=True)
class Filter:
    """A parameter that chooses rows.

    Attributes:
        condition: on a row (`this`); its one `?` stands for the value, or for each of several.
        takes: one number, or words with commas.
        mart: which the condition looks into besides.
        says: what it does.
    """

    condition: str
    takes: Literal["number", "words"]
    says: str
    mart: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address under `/v2`.

    Attributes:
        path: its name.
        marts: where its rows are from; the first one has a row for each of them.
        fields: name in the answer to an expression of the rows' columns, in the answer's order.
        rows: the rows; default: those of the mart.
        filters: its own parameters, besides tokens and days.
        whole_from: a limit that is no wish, but what their client always sends: from here on all
            rows are answered.
    """

    path: str
    marts: tuple[str, ...]
    fields: Mapping[str, str]
    rows: str | None = None
    filters: Mapping[str, Filter] = field(default_factory=dict)
    whole_from: int = 1000
    order: str = "day desc, asset_id"

    @property
    def relation(self) -> str:
        """The rows as SQL."""
        return self.rows or f"select * from marts.{self.marts[0]}"  # noqa: S608  # names of our own

    @property
    def has_days(self) -> bool:
        """Whether a range of days can be asked for: not of what is the newest day alone."""
        return self.marts[0].endswith("_daily")

    @property
    def has_tokens(self) -> bool:
        """Whether its rows are of assets."""
        return "TOKEN_ID" in self.fields


def _minimum(mart: str, column: str, what: str) -> Filter:
    return Filter(
        f"exists (select 1 from marts.{mart} as other where other.asset_id = this.asset_id "  # noqa: S608  # names of our own
        f"and other.day = this.day and other.{column} >= ?)",
        "number",
        f"only with at least this {what} on the same day",
        mart,
    )


_CATEGORY = Filter(
    "exists (select 1 from marts.dim_asset as other where other.asset_id = this.asset_id and "
    "list_has_any(list_append(string_split(coalesce(other.narratives, ''), ';'), other.sector), "
    "[?]))",
    "words",
    "only of these sectors or narratives (`category` of /v1/assets), with commas",
    "dim_asset",
)
_EXCHANGE = Filter(
    "exists (select 1 from marts.venue_quality_daily as other "
    "where other.asset_id = this.asset_id and other.venue_id in (?))",
    "words",
    "only what these venues list, with commas",
    "venue_quality_daily",
)
_LISTED = {"category": _CATEGORY, "exchange": _EXCHANGE}
_SIZED = {
    **_LISTED,
    "marketcap": _minimum("valuation_daily", "mcap_usd", "market cap in USD"),
    "fdv": _minimum("valuation_daily", "fdv_usd", "fully diluted value in USD"),
    "volume": _minimum("price_daily", "volume_usd", "traded value in USD"),
}

ENDPOINTS = (
    Endpoint("tokens", ("dim_asset",), _TOKEN, filters=_LISTED, order="asset_id"),
    Endpoint(
        "daily-ohlcv",
        ("ohlcv_daily",),
        {
            **_TOKEN_DAY,
            "TIMESTAMP": "day",
            "OPEN": "open_usd",
            "HIGH": "high_usd",
            "LOW": "low_usd",
            "CLOSE": "close_usd",
            "VOLUME": "volume_usd",
        },
        whole_from=100,
    ),
    Endpoint(
        "trader-grades",
        ("trader_grade_daily",),
        {
            **_TOKEN_DAY,
            "TA_GRADE": "ta_grade",
            "QUANT_GRADE": "quant_grade",
            "TM_TRADER_GRADE": "trader_grade",
            "TM_TRADER_GRADE_24H_PCT_CHANGE": _TRADER_PCT_CHANGE,
        },
        filters={
            **_SIZED,
            "traderGrade": Filter("trader_grade >= ?", "number", "only at least this grade"),
            "traderGradePercentChange": Filter(
                f"{_TRADER_PCT_CHANGE} >= ?", "number", "only at least this change, in percent"
            ),
        },
    ),
    Endpoint(
        "investor-grades",
        ("investor_grade_daily",),
        {
            **_TOKEN_DAY,
            "TM_INVESTOR_GRADE": "investor_grade",
            "TM_INVESTOR_GRADE_7D_PCT_CHANGE": _PCT_CHANGE.format(
                grade="investor_grade", change="grade_change_7d"
            ),
            "FUNDAMENTAL_GRADE": _NOT_HELD,
            "TECHNOLOGY_GRADE": _NOT_HELD,
            "VALUATION_GRADE": "valuation_grade",
            "DEFI_USAGE_SCORE": _NOT_HELD,
            "COMMUNITY_SCORE": _NOT_HELD,
            "EXCHANGE_SCORE": _NOT_HELD,
            "VC_SCORE": _NOT_HELD,
            "TOKENOMICS_SCORE": "tokenomics_grade",
            "DEFI_SCANNER_SCORE": _NOT_HELD,
            "ACTIVITY_SCORE": _NOT_HELD,
            "SECURITY_SCORE": _NOT_HELD,
            "REPOSITORY_SCORE": _NOT_HELD,
            "COLLABORATION_SCORE": _NOT_HELD,
        },
        filters={
            **_SIZED,
            "investorGrade": Filter("investor_grade >= ?", "number", "only at least this grade"),
        },
    ),
    Endpoint(
        "trading-signals",
        ("signal_daily", "signal_performance_daily", "investor_grade_daily"),
        {
            **_TOKEN_DAY,
            "TRADING_SIGNAL": "signal",
            "TOKEN_TREND": "trend",
            "TRADING_SIGNALS_RETURNS": "strat_index - 1",
            "HOLDING_RETURNS": "hold_index - 1",
            "TM_TRADER_GRADE": "trader_grade",
            "TM_INVESTOR_GRADE": "investor_grade",
        },
        rows="""
            select signal_day.*, performance.strat_index, performance.hold_index,
                investor.investor_grade
            from marts.signal_daily as signal_day
            left join marts.signal_performance_daily as performance
                on signal_day.asset_id = performance.asset_id and signal_day.day = performance.day
            left join marts.investor_grade_daily as investor
                on signal_day.asset_id = investor.asset_id and signal_day.day = investor.day
        """,
        filters={
            **_SIZED,
            "signal": Filter("signal = ?", "number", "only 1 (long), -1 (short) or 0 (none)"),
        },
    ),
    Endpoint(
        "market-metrics",
        ("market_regime_daily",),
        {
            "DATE": "day",
            "TOTAL_CRYPTO_MCAP": "total_mcap_usd",
            "TM_GRADE_PERC_HIGH_COINS": "100 * pct_grade_high",
            "TM_GRADE_SIGNAL": "market_signal",
            "LAST_TM_GRADE_SIGNAL": "last_market_signal",
        },
        # over the whole mart: the last signal may be older than the range that is asked for
        rows="""
            select *, last_value(nullif(market_signal, 0) ignore nulls) over (order by day)
                as last_market_signal
            from (
                select *, case regime when 'bull' then 1 when 'bear' then -1 when 'neutral' then 0
                    end as market_signal
                from marts.market_regime_daily
            )
        """,
        order="day desc",
    ),
    Endpoint(
        "resistance-support",
        ("levels_daily_latest",),
        {**_TOKEN_DAY, "HISTORICAL_RESISTANCE_SUPPORT_LEVELS": "levels"},
        rows="""
            select asset_id, symbol, name, day, list(
                {'date': strftime(last_swing_day, '%Y-%m-%d'), 'level': level_usd}
                order by last_swing_day, level_usd
            ) as levels
            from marts.levels_daily_latest
            where level_kind = 'swing'
            group by all
        """,
    ),
    Endpoint(
        "correlation",
        ("pair_correlation_daily_latest",),
        {**_TOKEN_DAY, "TOP_CORRELATION": "top_correlation"},
        # the ten highest and the ten lowest of each asset; a pair is stored once
        rows="""
            with pair as (
                select a_id as asset_id, a_symbol as symbol, a_name as name, day, b_id as other_id,
                    b_name as other_name, corr_30d
                from marts.pair_correlation_daily_latest
                where b_kind = 'asset' and corr_30d is not null
                union all
                select b_id, b_symbol, b_name, day, a_id, a_name, corr_30d
                from marts.pair_correlation_daily_latest
                where b_kind = 'asset' and corr_30d is not null
            ),
            ranked as (
                select *,
                    row_number() over (partition by asset_id order by corr_30d desc, other_id)
                        as from_top,
                    row_number() over (partition by asset_id order by corr_30d, other_id desc)
                        as from_bottom
                from pair
            )
            select asset_id, symbol, name, day, list(
                {'correlation': corr_30d, 'token': other_name} order by corr_30d desc, other_id
            ) as top_correlation
            from ranked
            where from_top <= 10 or from_bottom <= 10
            group by all
        """,
        filters=_LISTED,
    ),
    Endpoint(
        "quantmetrics",
        ("returns_risk_daily_latest",),
        {
            **_TOKEN_DAY,
            "VOLATILITY": "vol_180d_ann",
            "ALL_TIME_RETURN": _NOT_HELD,
            "CAGR": "cagr_all",
            "SHARPE": "sharpe_365d",
            "SORTINO": "sortino_365d",
            "MAX_DRAWDOWN": "max_drawdown_all",
            "SKEW": "skew",
            "TAIL_RATIO": "tail_ratio",
            "RISK_REWARD_RATIO": _NOT_HELD,
            "PROFIT_FACTOR": "profit_factor",
            "KURTOSIS": "kurt_excess",
            "DAILY_VALUE_AT_RISK": "var95_1d",
            "DAILY_RETURN_AVG": _NOT_HELD,
            "DAILY_RETURN_STD": _NOT_HELD,
        },
        filters=_SIZED,
    ),
    Endpoint(
        "indices",
        ("narrative_daily_latest", "narrative_daily"),
        {
            "ID": NUMBER.format("narrative_id"),
            "NAME": "narrative_id",
            "TICKER": "narrative_id",
            "PRICE": "basket_index",
            "COINS": "basket_member_count",
            "24H": "100 * basket_ret_1d",
            "7D": "100 * (basket_index / basket_index_7d - 1)",
            "1M": "100 * (basket_index / basket_index_30d - 1)",
            "24H_VOLUME": "volume_usd",
            "INDEX_GRADE": _NOT_HELD,
            "ALL_TIME": "100 * (basket_index / basket_index_first - 1)",
            "MARKET_CAP": "mcap_usd",
        },
        rows="""
            select latest.*, week.basket_index as basket_index_7d,
                month.basket_index as basket_index_30d, first.basket_index as basket_index_first
            from marts.narrative_daily_latest as latest
            left join marts.narrative_daily as week
                on latest.narrative_id = week.narrative_id and week.day = latest.day - 7
            left join marts.narrative_daily as month
                on latest.narrative_id = month.narrative_id and month.day = latest.day - 30
            left join (
                select narrative_id, arg_min(basket_index, day) as basket_index
                from marts.narrative_daily
                where basket_index is not null
                group by narrative_id
            ) as first on latest.narrative_id = first.narrative_id
        """,
        order="narrative_id",
    ),
    Endpoint(
        "indices-performance",
        ("narrative_daily",),
        {
            "ID": NUMBER.format("narrative_id"),
            "DATE": "day",
            "INDEX_CUMULATIVE_ROI": "basket_index / basket_index_first - 1",
            "MARKET_CAP": "mcap_usd",
            "VOLUME": "volume_usd",
            "FDV": _NOT_HELD,
        },
        rows="""
            select *, first_value(basket_index ignore nulls)
                over (partition by narrative_id order by day) as basket_index_first
            from marts.narrative_daily
        """,
        filters={
            "id": Filter(
                f"{NUMBER.format('narrative_id')} = ?", "number", "of one index, as in /v2/indices"
            )
        },
        order="day desc, narrative_id",
    ),
    Endpoint(
        "trader-indices",
        ("risk_plan_daily",),
        {
            **_TOKEN,
            "PORTFOLIO_DATE": "day",
            "INDEX_WEIGHT": "100 * signal * size_in_portfolio_frac",
            "AMOUNT_OF_TOKENS": _NOT_HELD,
            "INITIAL_PRICE": "position_entry_usd",
        },
        rows="select * from marts.risk_plan_daily where size_in_portfolio_frac > 0",
    ),
)

UNAVAILABLE = {
    "hourly-ohlcv": "the marts are of days: /v2/daily-ohlcv has the bars",
    "hourly-trading-signals": "signals are decided at the end of a day: /v2/trading-signals",
    "ai-reports": "nothing here is written by a model: /v1/grades/components takes a grade apart",
    "tmai": "there is no chat here: /v1/catalog says what can be asked",
    "sentiments": "no news and no posts are read: /v1/regimes says how the market stands",
    "scenario-analysis": "nothing is predicted: /v1/plans has stops, targets and sizes",
    "crypto-investors": "no source of investors is read",
    "indices-holdings": "weights of a basket are not published: /v1/narratives/members lists it",
}
"""What their API has and the marts have not, and what comes nearest."""
