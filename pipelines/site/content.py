"""What the pages show, in the order of what a trader wants to know.

A part is a chart, a table, facts or a feed, each from one query of `queries/`; see `parts.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.site.parts import Chart, Column, Facts, Feed, Part, Table

TOKEN: Final = "token"  # noqa: S105  # a coin, and no secret
STABLECOIN: Final = "stablecoin"
PROTOCOL: Final = "protocol"
CHAIN: Final = "chain"
EXCHANGE: Final = "exchange"
NARRATIVE: Final = "narrative"

_TOKEN_COLUMN: Final = Column("symbol", "Token", to=TOKEN, by="asset_id", beside="name")


@dataclass(frozen=True)
class Section:
    """Parts under one heading."""

    title: str
    parts: Sequence[Part]
    note: str = ""


@dataclass(frozen=True)
class Layout:
    """What a page shows.

    Attributes:
        title: its title; of the page of a thing, that thing's name is the title.
        path: where it lies; of pages of things, their folder.
        lead: a sentence below the title.
        head: the large facts in its head.
        sections: the rest.
        entities: of pages of things: the query that lists them; its first column is the id.
        part_of: the page in the navigation that it belongs to.
    """

    title: str
    path: str
    lead: str
    head: Facts | None
    sections: Sequence[Section]
    entities: str = ""
    part_of: str = ""


_GRADE_COLUMNS: Final = (
    _TOKEN_COLUMN,
    Column("close_usd", "Price"),
    Column("ret_7d", "7 days"),
    Column("trader_grade", "Trader grade", look="bar"),
    Column("grade_change_7d", "in 7 days"),
    Column("investor_grade", "Investor"),
    Column("signal_now", "Signal", look="badge"),
)

FRONT: Final = Layout(
    title="The market",
    path="index.html",
    lead="",
    head=Facts(
        title="The market now",
        query="market_now",
        tiles=True,
        columns=(
            Column("total_mcap_usd", "Total cap", beside="market_ret_1d", beside_label="in a day"),
            Column("regime", "Regime", beside="btc_phase"),
            Column("altseason_index", "Altseason index", beside="season_label"),
            Column("btc_dominance_frac", "Bitcoin dominance", beside="rotation_phase"),
            Column("breadth_above_sma50", "Above their 50-day mean"),
            Column(
                "total_supply_usd",
                "Stablecoin supply",
                beside="net_mint_30d_usd",
                beside_label="in 30 d",
            ),
        ),
    ),
    sections=(
        Section(
            "What is new",
            (
                Feed(
                    title="Alerts of the newest day",
                    query="alerts_today",
                    limit=12,
                    width="half",
                    empty="No alert was raised on the newest day.",
                ),
                Table(
                    title="Signals of the last 7 days",
                    query="signals_lately",
                    limit=10,
                    width="half",
                    empty="No signal changed in the last 7 days.",
                    columns=(
                        _TOKEN_COLUMN,
                        Column("signal_before", "from"),
                        Column("signal_now", "to", look="badge"),
                        Column("effective_day", "from the open of"),
                        Column("entry_usd", "entry"),
                        Column("stop_price", "stop"),
                    ),
                ),
            ),
        ),
        Section(
            "Grades",
            (
                Table(
                    title="Highest trader grades",
                    query="top_grades",
                    columns=_GRADE_COLUMNS,
                    width="half",
                    empty="No asset has a trader grade yet.",
                ),
                Table(
                    title="Lowest trader grades",
                    query="bottom_grades",
                    columns=_GRADE_COLUMNS,
                    width="half",
                    empty="No asset has a trader grade yet.",
                ),
            ),
        ),
        Section(
            "Where the market stands",
            (
                Chart(title="Total cap", query="market_days", chart="market_cap", width="half"),
                Chart(
                    title="Shares of total cap",
                    query="market_days",
                    chart="dominance",
                    width="half",
                ),
                Chart(
                    title="Altseason index",
                    query="market_days",
                    chart="altseason",
                    width="half",
                    note="Share of large alts that beat Bitcoin over 90 days. Altseason: 75.",
                ),
                Chart(title="Breadth", query="market_days", chart="breadth", width="half"),
            ),
        ),
        Section(
            "Narratives",
            (
                Chart(
                    title="Rotation of narratives",
                    query="rotation",
                    chart="rotation",
                    width="two-thirds",
                    least=1,
                    note="Right: stronger than the market. Up: getting stronger. Tails: 4 weeks.",
                ),
                Table(
                    title="Narratives by strength",
                    query="narratives",
                    limit=12,
                    width="third",
                    columns=(
                        Column("narrative", "Narrative", to=NARRATIVE, by="narrative_id"),
                        Column("quadrant", "Quadrant"),
                        Column("rs_ratio", "Strength"),
                    ),
                ),
            ),
        ),
        Section(
            "Stablecoins",
            (
                Chart(title="Supply", query="stable_supply", chart="stable_supply", width="half"),
                Table(
                    title="Pegs off their band",
                    query="pegs_off",
                    limit=10,
                    width="half",
                    note="10 bps or more off now, or off at some time in the last 30 days.",
                    empty="Every peg that is measured is in its band.",
                    columns=(
                        Column("symbol", "Coin", to=STABLECOIN, by="stablecoin_id", beside="name"),
                        Column("price_usd", "Price"),
                        Column("dev_bps", "Off its peg"),
                        Column("time_off_peg_30d_frac", "Off, 30 d"),
                        Column("supply_usd", "Supply"),
                    ),
                ),
            ),
        ),
        Section(
            "Fees and value locked",
            (
                Table(
                    title="Biggest moves in value locked, 7 days",
                    query="tvl_moves",
                    limit=8,
                    width="half",
                    columns=(
                        Column("name", "Protocol", to=PROTOCOL, by="protocol_id"),
                        Column("tvl_usd", "Locked"),
                        Column("tvl_growth_7d_frac", "7 days"),
                        Column("usd_inflow_7d_usd", "of it flows"),
                        Column("price_effect_7d_usd", "of it prices"),
                    ),
                ),
                Table(
                    title="Biggest moves in fees, 30 days",
                    query="fee_moves",
                    limit=8,
                    width="half",
                    columns=(
                        Column("name", "Protocol", to=PROTOCOL, by="protocol_id"),
                        Column("fees_30d_usd", "Fees, 30 d"),
                        Column("fees_growth_30d_frac", "30 days"),
                        Column("fees_growth_90d_frac", "90 days"),
                    ),
                ),
            ),
        ),
        Section(
            "How old the data are",
            (
                Table(
                    title="Freshness",
                    query="ages",
                    columns=(
                        Column("subject_kind", "Of"),
                        Column("status", "State"),
                        Column("subject_count", "How many"),
                        Column("oldest_day", "Oldest of the newest days"),
                        Column("newest_day", "Newest day"),
                        Column("lag_h", "Oldest age"),
                    ),
                ),
            ),
        ),
    ),
)

SCREENER: Final = Layout(
    title="Screener",
    path="screener.html",
    lead="All assets on their newest day. A column's name sorts; the fields filter.",
    head=None,
    sections=(
        Section(
            "",
            (
                Table(
                    title="All assets",
                    query="screener",
                    sortable=True,
                    name="screener",
                    columns=(
                        _TOKEN_COLUMN,
                        Column("close_usd", "Price"),
                        Column("ret_1d", "1 d"),
                        Column("ret_7d", "7 d", filter="min"),
                        Column("ret_30d", "30 d"),
                        Column("trader_grade", "Trader grade", look="bar", filter="min"),
                        Column("grade_change_7d", "in 7 d"),
                        Column("investor_grade", "Investor grade", filter="min"),
                        Column("signal_now", "Signal", look="badge", filter="one"),
                        Column("held_d", "held"),
                        Column("mcap_usd", "Cap", filter="min"),
                        Column("fdv_usd", "FDV"),
                        Column("pf_circ_x", "P/F", filter="max"),
                        Column("volume_usd", "Volume"),
                        Column("vol_30d_ann", "Volatility"),
                        Column("drawdown_frac", "Drawdown"),
                        Column("rsi_14", "RSI"),
                        Column("stop_price", "Stop"),
                        Column("take_profit_1", "Target"),
                        Column("narrative_ids", "Narratives", filter="one"),
                        Column("sector", "Sector", filter="one"),
                        Column("chain", "Chain", filter="one"),
                        Column("next_event_day", "Next event"),
                    ),
                ),
            ),
        ),
    ),
    part_of="screener.html",
)

_WHY_COLUMNS: Final = (
    Column("factor", "Factor"),
    Column("factor_group", "Group"),
    Column("factor_value", "Value"),
    Column("xs_pctile", "Among others"),
    Column("ts_pctile", "In its own past"),
    Column("score", "Score", look="bar"),
    Column("weight_frac", "Weight"),
    Column("contribution", "Points"),
    Column("no_share_reason", "Why not"),
)

TOKEN_PAGE: Final = Layout(
    title="",
    path="token",
    lead="",
    entities="tokens",
    part_of="screener.html",
    head=Facts(
        title="Now",
        query="token_now",
        tiles=True,
        columns=(
            Column("close_usd", "Price", beside="ret_1d", beside_label="in a day"),
            Column("trader_grade", "Trader grade", beside="grade_change_7d", beside_label="in 7 d"),
            Column("investor_grade", "Investor grade"),
            Column("signal_now", "Signal", beside="held_d", beside_label="held"),
            Column("ret_30d", "30 days", beside="ret_7d", beside_label="in 7 d"),
            Column("mcap_usd", "Market cap", beside="volume_usd", beside_label="traded"),
        ),
    ),
    sections=(
        Section(
            "Price, levels and plan",
            (
                Chart(
                    title="Price",
                    query="token_price",
                    chart="price",
                    more={
                        "levels": "token_levels",
                        "plan": "token_plan_lines",
                        "changes": "token_signal_changes",
                    },
                    note="▲ long, ● flat, ▼ short: where the signal changed. Dotted: levels "
                    "(teal below, purple above). Solid: the plan's entry, stop and targets.",
                    empty="There is no price of it.",
                    width="two-thirds",
                ),
                Facts(
                    title="The plan",
                    query="token_plan",
                    width="third",
                    empty="It is in no universe of today, so there is no plan for it.",
                    columns=(
                        Column("signal_now", "Signal"),
                        Column("effective_day", "From the open of"),
                        Column("entry_usd", "Entry"),
                        Column("stop_price", "Stop"),
                        Column("stop_dist_frac", "Distance to the stop"),
                        Column("no_stop_reason", "Why no stop"),
                        Column("take_profit_1", "First target"),
                        Column("take_profit_2", "Second target"),
                        Column("size_by_risk_frac", "Size by risk"),
                        Column("size_in_portfolio_frac", "Size in the portfolio"),
                        Column("max_position_frac", "At most"),
                        Column("liquidity_cap_usd", "That its market bears"),
                        Column("position_day", "Position since"),
                        Column("position_entry_usd", "entered at"),
                        Column("r_multiple", "Worth by now"),
                    ),
                ),
            ),
        ),
        Section(
            "Grades, taken apart",
            (
                Chart(
                    title="Both grades",
                    query="token_grades",
                    chart="grades",
                    empty="It was never graded: it is in no universe.",
                ),
                Table(
                    title="Why this trader grade",
                    query="token_why_trader",
                    columns=_WHY_COLUMNS,
                    note="The points add up to the grade.",
                    empty="It has no trader grade on the newest day.",
                ),
                Table(
                    title="Why this investor grade",
                    query="token_why_investor",
                    columns=_WHY_COLUMNS,
                    note="The points add up to the grade.",
                    empty="It has no investor grade on the newest day.",
                ),
            ),
        ),
        Section(
            "Returns and risk",
            (
                Facts(
                    title="Now",
                    query="token_returns",
                    columns=(
                        Column("ret_7d", "7 days"),
                        Column("ret_30d", "30 days"),
                        Column("ret_90d", "90 days"),
                        Column("ret_365d", "A year"),
                        Column("vol_30d_ann", "Volatility, 30 days"),
                        Column("drawdown_frac", "Below its highest close"),
                        Column("max_drawdown_365d", "Deepest fall in a year"),
                        Column("sharpe_365d", "Sharpe, a year"),
                        Column("sortino_365d", "Sortino, a year"),
                        Column("beta_btc_90d", "Beta to Bitcoin"),
                        Column("corr_btc_90d", "Correlation to Bitcoin"),
                        Column("var95_1d", "Value at risk, a day in 20"),
                        Column("es95_1d", "Mean loss beyond it"),
                    ),
                ),
                Chart(title="Drawdown", query="token_risk", chart="drawdown", width="half"),
                Chart(title="Volatility", query="token_risk", chart="volatility", width="half"),
                Chart(
                    title="Following its signal",
                    query="token_signal_returns",
                    chart="signal_returns",
                    note="After costs, without funding. An index that began at 1.",
                    width="half",
                    empty="It never had a signal.",
                ),
                Table(
                    title="Signal changes",
                    query="token_signal_changes",
                    limit=12,
                    width="half",
                    empty="Its signal never changed.",
                    columns=(
                        Column("day", "Day"),
                        Column("signal_before", "from"),
                        Column("to", "to", look="badge"),
                        Column("reason", "because"),
                        Column("trader_grade", "Trader grade"),
                        Column("close_usd", "Price"),
                    ),
                ),
            ),
        ),
        Section(
            "Derivatives",
            (
                Facts(
                    title="Now",
                    query="token_derivatives_now",
                    empty="No perpetual of it is known here.",
                    columns=(
                        Column("carry_ann_frac", "Funding, a year's worth"),
                        Column("funding_z_90d", "against its 90 days"),
                        Column("oi_usd", "Open interest"),
                        Column("oi_chg_7d", "in 7 days"),
                        Column("oi_to_volume", "to volume"),
                        Column("basis_frac", "Basis"),
                    ),
                ),
                Chart(
                    title="Funding",
                    query="token_derivatives",
                    chart="funding",
                    width="half",
                    empty="No perpetual of it is known here.",
                ),
                Chart(
                    title="Open interest",
                    query="token_derivatives",
                    chart="open_interest",
                    width="half",
                    empty="No perpetual of it is known here.",
                ),
            ),
        ),
        Section(
            "Valuation",
            (
                Facts(
                    title="Now",
                    query="token_valuation_now",
                    columns=(
                        Column("mcap_usd", "Market cap"),
                        Column("fdv_usd", "Fully diluted"),
                        Column("float_frac", "Float"),
                        Column("supply_circulating_native", "Circulating"),
                        Column("fees_ann_usd", "Fees, a year's worth"),
                        Column("revenue_ann_usd", "Revenue, a year's worth"),
                        Column("pf_circ_x", "Price to fees"),
                        Column("ps_circ_x", "Price to revenue"),
                        Column("mcap_tvl_x", "Cap to value locked"),
                        Column("volume_to_mcap_x", "Volume to cap"),
                    ),
                ),
                Chart(title="Cap", query="token_valuation", chart="caps", width="half"),
                Chart(
                    title="Multiples",
                    query="token_valuation",
                    chart="multiples",
                    width="half",
                    empty="It has no fees of its own to be compared with.",
                ),
                Table(
                    title="Against its peers",
                    query="token_peers",
                    empty="It has too few peers in its sector, or no multiple of its own.",
                    columns=(
                        Column("metric", "Measure"),
                        Column("metric_value", "Its own", unit_of="metric_id"),
                        Column("sector_median", "Median of its sector", unit_of="metric_id"),
                        Column("premium_to_median_frac", "Premium"),
                        Column("sector_pctile", "Percentile", look="bar"),
                        Column("peer_count", "Peers"),
                        Column("sector", "Sector"),
                    ),
                ),
            ),
        ),
        Section(
            "Company it keeps",
            (
                Table(
                    title="Narratives",
                    query="token_narratives",
                    width="half",
                    empty="It belongs to no narrative.",
                    columns=(
                        Column("narrative", "Narrative", to=NARRATIVE, by="narrative_id"),
                        Column("quadrant", "Quadrant"),
                        Column("narrative_rank", "Rank"),
                        Column("membership_weight", "Weight"),
                        Column("valid_from", "since"),
                    ),
                ),
                Table(
                    title="Moves with",
                    query="token_correlations",
                    limit=10,
                    width="half",
                    empty="No pair of it is measured: pairs are measured inside narratives.",
                    columns=(
                        Column("symbol", "Token", to=TOKEN, by="other_id", beside="name"),
                        Column("corr_30d", "30 days"),
                        Column("corr_prior_90d", "90 days before"),
                        Column("breakdown_flag", "stopped"),
                    ),
                ),
            ),
        ),
        Section(
            "Events and alerts",
            (
                Table(
                    title="Events",
                    query="token_events",
                    width="half",
                    empty="No event of it is known: unlocks, splits, halvings, rulings.",
                    columns=(
                        Column("effective_at", "When"),
                        Column("event_kind", "What"),
                        Column("note", "More", look="long"),
                    ),
                ),
                Feed(
                    title="Alerts of the last 120 days",
                    query="alerts_of_assets",
                    limit=15,
                    width="half",
                    empty="No alert was raised on it in the last 120 days.",
                ),
            ),
        ),
        Section(
            "What is missing",
            (
                Table(
                    title="Columns without any value",
                    query="missing",
                    empty="Every column has a value on some day.",
                    columns=(
                        Column("mart", "Mart"),
                        Column("missing_columns", "Columns", look="long"),
                        Column("needed_source", "They need", look="long"),
                    ),
                ),
            ),
        ),
    ),
)

STABLECOINS: Final = Layout(
    title="Stablecoins",
    path="stablecoins.html",
    lead="Supply, pegs and what is behind them.",
    head=None,
    part_of="stablecoins.html",
    sections=(
        Section(
            "",
            (
                Chart(title="Supply", query="stable_supply", chart="stable_supply", ranges=False),
                Table(
                    title="All stablecoins",
                    query="stablecoins",
                    sortable=True,
                    name="stablecoins",
                    columns=(
                        Column("symbol", "Coin", to=STABLECOIN, by="stablecoin_id", beside="name"),
                        Column("mechanism", "Mechanism", filter="one"),
                        Column("peg_ref", "Peg", filter="one"),
                        Column("supply_usd", "Supply", filter="min"),
                        Column("net_mint_30d_usd", "Minted, 30 d"),
                        Column("share_frac", "Share"),
                        Column("price_usd", "Price"),
                        Column("dev_bps", "Off its peg"),
                        Column("time_off_peg_30d_frac", "Off, 30 d"),
                        Column("depeg_count", "Depegs"),
                        Column("worst_bps", "Worst"),
                        Column("chain_count", "Chains"),
                        Column("issuer", "Issuer"),
                    ),
                ),
            ),
        ),
    ),
)

STABLECOIN_PAGE: Final = Layout(
    title="",
    path="stablecoin",
    lead="",
    entities="stablecoins",
    part_of="stablecoins.html",
    head=Facts(
        title="Now",
        query="stable_now",
        tiles=True,
        columns=(
            Column("price_usd", "Price", beside="dev_bps", beside_label="off"),
            Column("supply_usd", "Supply", beside="share_frac", beside_label="of all"),
            Column("mechanism", "Mechanism", beside="peg_ref", beside_label="pegged"),
            Column("depeg_count", "Depegs", beside="worst_bps", beside_label="at worst"),
            Column("time_off_peg_30d_frac", "Off its peg, 30 d"),
        ),
    ),
    sections=(
        Section(
            "Peg",
            (
                Chart(
                    title="Off its peg",
                    query="stable_peg",
                    chart="peg",
                    more={"depegs": "stable_depegs"},
                    days=0,
                    note="Shaded: depegs. Beyond 20 bps each step of the scale is a multiple.",
                    empty="Its price is not measured.",
                ),
                Table(
                    title="Depegs",
                    query="stable_depegs",
                    empty="It never left its peg for long enough to count.",
                    columns=(
                        Column("start_day", "From"),
                        Column("last_day_off", "Last day off"),
                        Column("event_state", "State", look="badge"),
                        Column("severity", "Severity"),
                        Column("worst_bps", "Worst close"),
                        Column("worst_low_bps", "Worst low"),
                        Column("duration_d", "Days"),
                        Column("detection_rule", "Found by"),
                        Column("evidence", "Evidence"),
                    ),
                ),
            ),
        ),
        Section(
            "Supply",
            (
                Chart(
                    title="Supply",
                    query="stable_days",
                    chart="supply",
                    width="half",
                    empty="Its supply is not known.",
                ),
                Chart(
                    title="By chain",
                    query="stable_chains",
                    chart="chain_supply",
                    width="half",
                    ranges=False,
                    empty="Its supply by chain is not known.",
                ),
                Table(
                    title="Milestones",
                    query="stable_milestones",
                    empty="It never reached the first milestone.",
                    columns=(
                        Column("threshold_usd", "Supply"),
                        Column("reached_day", "Reached"),
                        Column("days_since_launch", "Days since launch"),
                        Column("is_left_censored", "or earlier"),
                    ),
                ),
            ),
        ),
        Section(
            "Risk card",
            (
                Facts(
                    title="Risk card",
                    query="stable_now",
                    columns=(
                        Column("mechanism", "Mechanism"),
                        Column("issuer", "Issuer"),
                        Column("can_freeze", "Issuer can freeze"),
                        Column("is_rebasing", "Rebases"),
                        Column("is_yield_bearing", "Bears yield"),
                        Column(
                            "backing_asset_symbol", "Backed by", to=TOKEN, by="backing_asset_id"
                        ),
                        Column("chain_count", "Chains"),
                        Column("hhi_chain", "Concentration on chains"),
                        Column("depeg_severe_count", "Severe depegs"),
                        Column("is_depeg_open", "Off its peg now"),
                        Column("worst_dev_bps", "Worst day"),
                        Column("dev_vol_30d_bps", "Wobble, 30 days"),
                        Column("death_spiral_day_count", "Days of a death spiral"),
                        Column("last_attestation_day", "Last attestation"),
                        Column("attestation_age_d", "Its age"),
                        Column("dead_from", "Dead since"),
                    ),
                ),
            ),
        ),
        Section(
            "Alerts and gaps",
            (
                Feed(
                    title="Alerts",
                    query="alerts_of_stablecoins",
                    limit=15,
                    width="half",
                    empty="No alert was ever raised on it.",
                ),
                Table(
                    title="Columns without any value",
                    query="missing",
                    width="half",
                    empty="Every column has a value on some day.",
                    columns=(
                        Column("mart", "Mart"),
                        Column("missing_columns", "Columns", look="long"),
                    ),
                ),
            ),
        ),
    ),
)

PROTOCOLS: Final = Layout(
    title="Protocols",
    path="protocols.html",
    lead="Value locked, flows and fees; growth split into flows and prices.",
    head=None,
    part_of="protocols.html",
    sections=(
        Section(
            "",
            (
                Table(
                    title="All protocols",
                    query="protocols",
                    sortable=True,
                    name="protocols",
                    columns=(
                        Column("name", "Protocol", to=PROTOCOL, by="protocol_id"),
                        Column("category", "Category", filter="one"),
                        Column("tvl_usd", "Locked", filter="min"),
                        Column("tvl_growth_7d_frac", "7 days"),
                        Column("tvl_growth_30d_frac", "30 days"),
                        Column("usd_inflow_30d_usd", "Flows, 30 d"),
                        Column("fees_growth_30d_frac", "Fees, 30 d"),
                        Column("fees_growth_90d_frac", "Fees, 90 d"),
                        Column("token_asset_symbol", "Token", to=TOKEN, by="token_asset_id"),
                    ),
                ),
            ),
        ),
    ),
)

PROTOCOL_PAGE: Final = Layout(
    title="",
    path="protocol",
    lead="",
    entities="protocols",
    part_of="protocols.html",
    head=Facts(
        title="Now",
        query="protocol_now",
        tiles=True,
        columns=(
            Column("tvl_usd", "Value locked", beside="tvl_growth_7d_frac", beside_label="in 7 d"),
            Column(
                "usd_inflow_30d_usd",
                "Flows, 30 d",
                beside="price_effect_30d_usd",
                beside_label="by prices",
            ),
            Column("fees_usd", "Fees, newest day", beside="revenue_usd", beside_label="revenue"),
            Column("dex_volume_usd", "Traded, newest day"),
            Column("category", "Category"),
            Column("token_asset_symbol", "Token", to=TOKEN, by="token_asset_id"),
        ),
    ),
    sections=(
        Section(
            "Over time",
            (
                Chart(
                    title="Value locked",
                    query="protocol_days",
                    chart="tvl",
                    width="half",
                    empty="Its value locked is not known.",
                ),
                Chart(
                    title="Fees and revenue, a day",
                    query="protocol_days",
                    chart="fees",
                    width="half",
                    empty="Its fees are not known.",
                ),
                Chart(
                    title="Traded, a day",
                    query="protocol_days",
                    chart="dex_volume",
                    width="half",
                    empty="It is no exchange, or its volume is not known.",
                ),
                Facts(
                    title="More",
                    query="protocol_now",
                    width="half",
                    columns=(
                        Column("tvl_growth_30d_frac", "Value locked, 30 days"),
                        Column("earnings_usd", "Earnings, newest day"),
                        Column("apy_base_frac", "Yield of its pools"),
                        Column("chain_count", "Chains"),
                        Column("hhi_chain", "Concentration on chains"),
                        Column("launch_day", "Launched"),
                    ),
                ),
            ),
        ),
        Section(
            "By chain",
            (
                Table(
                    title="Newest day",
                    query="protocol_chains",
                    empty="It is not split by chain.",
                    columns=(
                        Column("chain_name", "Chain", to=CHAIN, by="chain_id"),
                        Column("tvl_usd", "Locked"),
                        Column("fees_usd", "Fees"),
                        Column("revenue_usd", "Revenue"),
                        Column("dex_volume_usd", "Traded"),
                        Column("rank_in_chain_category", "Rank in its category"),
                    ),
                ),
                Feed(
                    title="Alerts",
                    query="alerts_of_protocols",
                    limit=12,
                    empty="No alert was ever raised on it.",
                ),
            ),
        ),
    ),
)

CHAINS: Final = Layout(
    title="Chains",
    path="chains.html",
    lead="Value locked, stablecoins, fees and use.",
    head=None,
    part_of="chains.html",
    sections=(
        Section(
            "",
            (
                Table(
                    title="All chains",
                    query="chains",
                    sortable=True,
                    name="chains",
                    columns=(
                        Column("name", "Chain", to=CHAIN, by="chain_id", beside="symbol"),
                        Column("tvl_usd_ffill", "Locked", filter="min"),
                        Column("tvl_share_frac", "Share"),
                        Column("tvl_growth_30d_frac", "30 days"),
                        Column("stables_usd", "Stablecoins"),
                        Column("stables_change_30d_usd", "30 days"),
                        Column("app_fees_usd", "Fees of its apps"),
                        Column("gas_fees_usd", "Gas"),
                        Column("dex_volume_usd", "Traded"),
                        Column("active_addresses", "Addresses"),
                    ),
                ),
            ),
        ),
    ),
)

CHAIN_PAGE: Final = Layout(
    title="",
    path="chain",
    lead="",
    entities="chains",
    part_of="chains.html",
    head=Facts(
        title="Now",
        query="chain_now",
        tiles=True,
        columns=(
            Column("tvl_usd_ffill", "Value locked", beside="tvl_share_frac", beside_label="of all"),
            Column(
                "stables_usd",
                "Stablecoins",
                beside="stables_change_30d_usd",
                beside_label="in 30 d",
            ),
            Column(
                "app_fees_usd", "Fees of its apps", beside="app_revenue_usd", beside_label="revenue"
            ),
            Column("gas_fees_usd", "Gas"),
            Column("dex_volume_usd", "Traded"),
            Column("active_addresses", "Active addresses"),
        ),
    ),
    sections=(
        Section(
            "Over time",
            (
                Chart(title="Value locked", query="chain_days", chart="tvl", width="half"),
                Chart(title="Stablecoins", query="chain_days", chart="stables", width="half"),
                Chart(
                    title="Fees of its apps, a day", query="chain_days", chart="fees", width="half"
                ),
                Chart(title="Traded, a day", query="chain_days", chart="dex_volume", width="half"),
            ),
        ),
        Section(
            "Protocols on it",
            (
                Table(
                    title="Newest day",
                    query="chain_protocols",
                    empty="No protocol on it is known here.",
                    columns=(
                        Column("name", "Protocol", to=PROTOCOL, by="protocol_id"),
                        Column("category", "Category"),
                        Column("tvl_usd", "Locked"),
                        Column("fees_usd", "Fees"),
                        Column("rank_in_chain_category", "Rank in its category"),
                    ),
                ),
                Feed(
                    title="Alerts",
                    query="alerts_of_chains",
                    limit=12,
                    empty="No alert was ever raised on it.",
                ),
            ),
        ),
    ),
)

EXCHANGES: Final = Layout(
    title="Exchanges",
    path="exchanges.html",
    lead="Spot volume, tokens and chains of the exchanges.",
    head=None,
    part_of="exchanges.html",
    sections=(
        Section(
            "",
            (
                Table(
                    title="All exchanges",
                    query="exchanges",
                    sortable=True,
                    name="exchanges",
                    columns=(
                        Column("exchange", "Exchange", to=EXCHANGE, by="exchange_id"),
                        Column("spot_volume_usd", "Spot volume"),
                        Column("spot_volume_share_frac", "Share"),
                        Column("token_asset_symbol", "Token", to=TOKEN, by="token_asset_id"),
                        Column("token_mcap_usd", "Its cap"),
                        Column("token_fdv_usd", "Fully diluted"),
                        Column("chain_tvl_usd_ffill", "Locked on its chain"),
                        Column("chain_stables_usd", "Stablecoins there"),
                        Column("equity_mcap_usd", "Listed peer's cap"),
                        Column("token_to_equity_ratio", "Token to peer"),
                    ),
                ),
            ),
        ),
    ),
)

EXCHANGE_PAGE: Final = Layout(
    title="",
    path="exchange",
    lead="",
    entities="exchanges",
    part_of="exchanges.html",
    head=Facts(
        title="Now",
        query="exchange_now",
        tiles=True,
        columns=(
            Column(
                "spot_volume_usd",
                "Spot volume",
                beside="spot_volume_share_frac",
                beside_label="of all",
            ),
            Column("token_asset_symbol", "Token", to=TOKEN, by="token_asset_id"),
            Column(
                "token_mcap_usd", "Its cap", beside="token_fdv_usd", beside_label="fully diluted"
            ),
            Column("chain_tvl_usd_ffill", "Locked on its chain"),
            Column("token_to_equity_ratio", "Token to listed peer"),
        ),
    ),
    sections=(
        Section(
            "Over time",
            (
                Chart(
                    title="Spot volume",
                    query="exchange_days",
                    chart="spot_volume",
                    width="half",
                    empty="Its volume is not known.",
                ),
                Chart(
                    title="Share of spot volume",
                    query="exchange_days",
                    chart="volume_share",
                    width="half",
                    empty="Its volume is not known.",
                ),
                Chart(
                    title="Its token",
                    query="exchange_days",
                    chart="caps",
                    width="half",
                    empty="It has no token.",
                ),
                Table(
                    title="Its largest markets",
                    query="exchange_markets",
                    width="half",
                    empty="None of its markets is read here.",
                    columns=(
                        _TOKEN_COLUMN,
                        Column("close_usd", "Close"),
                        Column("volume_usd", "Volume"),
                        Column("dev_bps", "Off the others"),
                        Column("is_accepted", "Counted"),
                    ),
                ),
            ),
        ),
    ),
)

NARRATIVES: Final = Layout(
    title="Narratives",
    path="narratives.html",
    lead="Groups of assets that move together, measured against the market.",
    head=None,
    part_of="narratives.html",
    sections=(
        Section(
            "",
            (
                Chart(
                    title="Rotation",
                    query="rotation",
                    chart="rotation",
                    least=1,
                    ranges=False,
                    note="Right: stronger than the market. Up: getting stronger. Tails: 4 weeks.",
                ),
                Table(
                    title="All narratives",
                    query="narratives",
                    sortable=True,
                    name="narratives",
                    columns=(
                        Column("narrative", "Narrative", to=NARRATIVE, by="narrative_id"),
                        Column("narrative_rank", "Rank"),
                        Column("rank_change_28d", "in 28 d"),
                        Column("quadrant", "Quadrant", filter="one"),
                        Column("days_in_quadrant", "for"),
                        Column("rs_ratio", "Strength"),
                        Column("rs_momentum", "Momentum"),
                        Column("basket_ret_1d", "1 day"),
                        Column("mcap_usd", "Cap"),
                        Column("narrative_share_change_30d", "Share, 30 d"),
                        Column("volume_z_30d", "Volume"),
                        Column("breadth_above_sma50", "Above 50-day mean"),
                        Column("mean_pair_corr_30d", "Correlation inside"),
                        Column("member_count", "Members"),
                    ),
                ),
            ),
        ),
    ),
)

NARRATIVE_PAGE: Final = Layout(
    title="",
    path="narrative",
    lead="",
    entities="narratives",
    part_of="narratives.html",
    head=Facts(
        title="Now",
        query="narrative_now",
        tiles=True,
        columns=(
            Column("quadrant", "Quadrant", beside="days_in_quadrant", beside_label="there"),
            Column("narrative_rank", "Rank", beside="rank_change_28d", beside_label="in 28 d"),
            Column("rs_ratio", "Relative strength", beside="rs_momentum", beside_label="momentum"),
            Column("mcap_usd", "Cap", beside="narrative_share_frac", beside_label="of all"),
            Column("breadth_above_sma50", "Above their 50-day mean"),
            Column("member_count", "Members", beside="priced_member_count", beside_label="priced"),
        ),
    ),
    sections=(
        Section(
            "Against the market",
            (
                Chart(title="Basket", query="narrative_days", chart="basket", width="half"),
                Chart(
                    title="Relative strength",
                    query="narrative_days",
                    chart="strength",
                    width="half",
                ),
            ),
        ),
        Section(
            "Members",
            (
                Table(
                    title="Members now",
                    query="narrative_members",
                    empty="It has no members now.",
                    columns=(
                        _TOKEN_COLUMN,
                        Column("close_usd", "Price"),
                        Column("ret_7d", "7 days"),
                        Column("ret_30d", "30 days"),
                        Column("trader_grade", "Trader grade", look="bar"),
                        Column("mcap_usd", "Cap"),
                        Column("membership_weight", "Weight"),
                        Column("valid_from", "since"),
                    ),
                ),
                Feed(
                    title="Shifts of the last year",
                    query="alerts_of_narratives",
                    limit=15,
                    empty="It did not shift in the last year.",
                ),
            ),
        ),
    ),
)

TRACK_RECORD: Final = Layout(
    title="Track record",
    path="track-record.html",
    lead="What grades and signals were worth, with how sure that is. Each day is judged by what "
    "was known on it; bars span two standard errors, which allow for overlapping days.",
    head=None,
    part_of="track-record.html",
    sections=(
        Section(
            "Did grades rank what came after",
            (
                Table(
                    title="Evidence now",
                    query="evidence_now",
                    columns=(
                        Column("grade_name", "Grade"),
                        Column("evidence", "Evidence", look="badge"),
                        Column("horizon_d", "over"),
                        Column("ic_mean", "Rank correlation"),
                        Column("ic_t_stat", "t"),
                        Column("ic_recent_mean", "lately"),
                        Column("ic_recent_t_stat", "t"),
                        Column("ic_day_count", "Days"),
                    ),
                ),
                Chart(
                    title="Rank correlation by horizon",
                    query="information",
                    chart="information",
                    least=1,
                    ranges=False,
                    width="half",
                    note="Above zero: higher grades had higher returns.",
                ),
                Chart(
                    title="Mean 7-day return by fifth of the trader grade",
                    query="fifths",
                    chart="fifths",
                    least=1,
                    ranges=False,
                    width="half",
                ),
                Chart(
                    title="Trader grade over time",
                    query="evidence_trader",
                    chart="evidence",
                    width="half",
                ),
                Chart(
                    title="Investor grade over time",
                    query="evidence_investor",
                    chart="evidence",
                    width="half",
                ),
                Table(
                    title="All statistics of grades and signals",
                    query="grade_statistics",
                    sortable=True,
                    name="statistics",
                    note="A spread is the return of the top fifth less that of the bottom fifth.",
                    columns=(
                        Column("measure", "Measure", filter="one"),
                        Column("universe", "Among", filter="one"),
                        Column("period", "Period", filter="one"),
                        Column("horizon_d", "Horizon"),
                        Column("ic", "Rank correlation"),
                        Column("ic_t_stat", "t"),
                        Column("hit_frac", "Hits"),
                        Column("spread_median_ret", "Median spread"),
                        Column("spread_net_ret", "Mean spread, net"),
                        Column("spread_net_ret_se", "± s.e."),
                        Column("spread_funded_ret", "with funding"),
                        Column("day_count", "Days"),
                    ),
                ),
            ),
        ),
        Section(
            "What strategies earned",
            (
                Chart(
                    title="Equity",
                    query="equity",
                    chart="equity",
                    note="After fees, slippage, impact, borrowing and funding. Began at 1.",
                ),
                Table(
                    title="Strategies",
                    query="strategies",
                    sortable=True,
                    name="strategies",
                    columns=(
                        Column("strategy", "Strategy", filter="one"),
                        Column("period", "Period", filter="one"),
                        Column("ret_frac", "Return"),
                        Column("cagr_frac", "a year"),
                        Column("vol_ann", "Volatility"),
                        Column("sharpe_ann", "Sharpe"),
                        Column("sharpe_ann_se", "± s.e."),
                        Column("max_drawdown_frac", "Deepest fall"),
                        Column("turnover_ann", "Turnover"),
                        Column("trade_count", "Trades"),
                        Column("hit_frac", "Hits"),
                        Column("mean_r", "Mean R"),
                        Column("worst_r", "Worst R"),
                        Column("day_count", "Days"),
                        Column("definition", "What it does", look="long"),
                    ),
                ),
            ),
        ),
        Section(
            "Factors",
            (
                Table(
                    title="Factors and groups, 7 days ahead",
                    query="factor_statistics",
                    sortable=True,
                    name="factors",
                    columns=(
                        Column("measure", "Measure"),
                        Column("measure_kind", "Kind", filter="one"),
                        Column("ic", "Rank correlation"),
                        Column("ic_se", "± s.e."),
                        Column("ic_t_stat", "t"),
                        Column("spread_net_ret", "Mean spread, net"),
                        Column("spread_net_ret_se", "± s.e."),
                        Column("day_count", "Days"),
                    ),
                ),
            ),
        ),
    ),
)

HEALTH: Final = Layout(
    title="Data health",
    path="health.html",
    lead="How old, how whole and how well checked what is published is.",
    head=Facts(
        title="Now",
        query="health_now",
        tiles=True,
        columns=(
            Column("newest_day", "Newest day"),
            Column("stale_source_count", "Stale sources"),
            Column("stale_mart_count", "Stale marts"),
            Column("stale_column_count", "Stale columns"),
            Column("empty_count", "Empty"),
        ),
    ),
    part_of="health.html",
    sections=(
        Section(
            "Checks",
            (
                Table(
                    title="By kind",
                    query="checks_now",
                    width="third",
                    columns=(
                        Column("check_kind", "Kind"),
                        Column("severity", "If it fails"),
                        Column("check_count", "Checks"),
                        Column("failed_count", "Failed"),
                    ),
                ),
                Table(
                    title="Failed",
                    query="checks_failed",
                    width="two-thirds",
                    empty="Every check held.",
                    columns=(
                        Column("mart", "Mart"),
                        Column("check_name", "Check", look="long"),
                        Column("severity", "If it fails", look="badge"),
                        Column("failed_row_count", "Rows"),
                        Column("detail", "What", look="long"),
                    ),
                ),
            ),
        ),
        Section(
            "Freshness",
            (
                Table(
                    title="Sources, marts, and columns that are not fresh",
                    query="freshness",
                    sortable=True,
                    name="freshness",
                    columns=(
                        Column("subject", "What"),
                        Column("subject_kind", "Kind", filter="one"),
                        Column("status", "State", filter="one"),
                        Column("newest_day", "Newest day"),
                        Column("lag_h", "Age"),
                        Column("declared_lag_h", "may be"),
                    ),
                ),
            ),
        ),
        Section(
            "Gaps",
            (
                Table(
                    title="Missing days by source and reason",
                    query="gaps",
                    sortable=True,
                    name="gaps",
                    columns=(
                        Column("source", "Source", filter="one"),
                        Column("reason", "Reason", filter="one"),
                        Column("is_repairable", "Can be had"),
                        Column("gap_count", "Gaps"),
                        Column("series_count", "Series"),
                        Column("gap_d", "Days"),
                        Column("first_gap_day", "First"),
                        Column("last_gap_day", "Last"),
                    ),
                ),
                Table(
                    title="The newest load of each table",
                    query="loads",
                    sortable=True,
                    name="loads",
                    columns=(
                        Column("source", "Source", filter="one"),
                        Column("table_name", "Table"),
                        Column("status", "State", look="badge", filter="one"),
                        Column("fetched_at", "Fetched"),
                        Column("landed_row_count", "Rows"),
                        Column("quarantined_row_count", "Quarantined"),
                        Column("error_count", "Errors"),
                        Column("request_count", "Requests"),
                        Column("first_error", "First error", look="long"),
                    ),
                ),
                Table(
                    title="Ids that nobody knows",
                    query="unmapped",
                    empty="Every id that sources use is known.",
                    columns=(
                        Column("source", "Source"),
                        Column("id_kind", "Kind"),
                        Column("source_id", "Id"),
                        Column("source_name", "Name"),
                        Column("unmapped_volume_usd", "Volume"),
                        Column("first_seen_day", "First seen"),
                        Column("last_seen_day", "Last seen"),
                    ),
                ),
            ),
        ),
        Section(
            "Coverage",
            (
                Table(
                    title="Coverage by column",
                    query="coverage",
                    sortable=True,
                    name="coverage",
                    columns=(
                        Column("mart", "Mart", filter="one"),
                        Column("column_name", "Column"),
                        Column("known_frac", "Known", filter="max"),
                        Column("entity_count", "Of how many"),
                        Column("without_count", "that have none"),
                        Column("first_day", "From"),
                        Column("last_day", "To"),
                        Column("limiting_source", "Limited by", look="long"),
                    ),
                ),
            ),
        ),
        Section(
            "Revisions",
            (
                Table(
                    title="Restated by sources, and material",
                    query="revisions",
                    empty="No source has restated anything that matters since it was first read.",
                    columns=(
                        Column("mart", "Mart"),
                        Column("column_name", "Column"),
                        Column("source_id", "Of"),
                        Column("day", "Day"),
                        Column("old_value", "was"),
                        Column("new_value", "is"),
                        Column("rel_change_frac", "Change"),
                        Column("revised_at", "Known at"),
                        Column("source", "Source"),
                    ),
                ),
            ),
        ),
    ),
)

# pages that there is one of
SINGLE: Final = (
    FRONT,
    SCREENER,
    NARRATIVES,
    STABLECOINS,
    PROTOCOLS,
    CHAINS,
    EXCHANGES,
    TRACK_RECORD,
    HEALTH,
)
# pages that there are many of, by the kind of thing
OF_THINGS: Final = {
    TOKEN: TOKEN_PAGE,
    STABLECOIN: STABLECOIN_PAGE,
    PROTOCOL: PROTOCOL_PAGE,
    CHAIN: CHAIN_PAGE,
    EXCHANGE: EXCHANGE_PAGE,
    NARRATIVE: NARRATIVE_PAGE,
}


def all_queries() -> tuple[str, ...]:
    """Return the names of the queries that some page shows or is made by."""
    found: dict[str, None] = {}
    for layout in (*SINGLE, *OF_THINGS.values()):
        parts = [part for section in layout.sections for part in section.parts]
        for part in (*([layout.head] if layout.head else []), *parts):
            found[part.query] = None
            found |= dict.fromkeys((part.more or {}).values() if isinstance(part, Chart) else ())
        if layout.entities:
            found[layout.entities] = None
    return tuple(found)
