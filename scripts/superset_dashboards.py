"""What Superset is given: the database, datasets of all marts and views, charts, two dashboards.

Everything has an id that follows from its name, so that what is there is replaced and nothing is
made twice. What a dataset and a column mean is read from the publication's comments and catalogue.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import duckdb
import yaml

_NAMESPACE: Final = UUID("6f1d4fb6-5b0e-4c0f-9a53-0c6a4d2f7b11")
_LATEST: Final = "_latest"
_VERSION: Final = "1.0.0"
_FORMATS: Final = {"fraction": ",.2%", "fraction per year": ",.1%", "USD": "$,.4~s", "bps": ",.1f"}
_COLUMNS: Final = 12
SHORT: Final = "SMART_NUMBER"
DOLLARS: Final = {"symbol": "USD", "symbolPosition": "prefix"}
PERCENT: Final = ",.1%"
SIGNED: Final = "+,.1%"


def identity(kind: str, name: str) -> str:
    """Return the id of a thing, the same in every run."""
    return str(uuid5(_NAMESPACE, f"{kind}/{name}"))


def metric(expression: str, label: str) -> dict[str, Any]:
    """Return a measure of a chart."""
    return {
        "expressionType": "SQL",
        "sqlExpression": expression,
        "label": label,
        "optionName": f"metric_{label}",
    }


def equal_to(column: str, *values: object) -> dict[str, Any]:
    """Return a filter of a chart: rows with one of the values."""
    return {
        "expressionType": "SIMPLE",
        "clause": "WHERE",
        "subject": column,
        "operator": "IN",
        "comparator": list(values),
    }


def where(expression: str) -> dict[str, Any]:
    """Return a filter of a chart, in SQL."""
    return {"expressionType": "SQL", "clause": "WHERE", "sqlExpression": expression}


@dataclass(frozen=True)
class Chart:
    """A chart: what is asked of a mart, and how it is drawn.

    Attributes:
        name: its title.
        mart: the mart, or a view of one.
        viz: Superset's name of the kind of chart.
        says: what it shows, in a sentence.
        width: of the 12 columns of a dashboard.
        height: in Superset's units, of 8 pixels.
        query: columns, metrics, order, limits.
        filters: made by `equal_to` and `where`.
        look: what else its kind of chart is told.
    """

    name: str
    mart: str
    viz: str
    says: str
    width: int
    height: int
    query: Mapping[str, Any]
    filters: Sequence[Mapping[str, Any]] = ()
    look: Mapping[str, Any] = field(default_factory=dict)

    @property
    def uuid(self) -> str:
        """Its id."""
        return identity("chart", self.name)

    @property
    def query_context(self) -> dict[str, Any]:
        """The question that it asks; Superset adds which dataset it is asked of."""
        simple = [part for part in self.filters if part["expressionType"] == "SIMPLE"]
        free = [part["sqlExpression"] for part in self.filters if part["expressionType"] == "SQL"]
        return {
            "datasource": {"id": 0, "type": "table"},
            "force": False,
            "queries": [
                {
                    "filters": [
                        {"col": part["subject"], "op": part["operator"], "val": part["comparator"]}
                        for part in simple
                    ],
                    "extras": {"where": " AND ".join(f"({part})" for part in free)},
                    **self.query,
                }
            ],
            "result_format": "json",
            "result_type": "full",
        }


def _lines(
    name: str,
    mart: str,
    says: str,
    metrics: Sequence[Mapping[str, Any]],
    *,
    width: int,
    by: Sequence[str] = (),
    filters: Sequence[Mapping[str, Any]] = (),
    most: int = 0,
    largest: Mapping[str, Any] | None = None,
    kind: str = "echarts_timeseries_line",
    height: int = 44,
    **look: Any,
) -> Chart:
    day = {
        "columnType": "BASE_AXIS",
        "expressionType": "SQL",
        "sqlExpression": "day",
        "label": "day",
        "timeGrain": "P1D",
    }
    limits = {"series_limit": most, "series_limit_metric": largest} if most else {}
    return Chart(
        name,
        mart,
        kind,
        says,
        width,
        height,
        {
            "columns": [day, *by],
            "series_columns": list(by),
            "metrics": list(metrics),
            "orderby": [[metrics[0], False]],
            "row_limit": 50_000,
            **limits,
        },
        filters,
        {
            "x_axis": "day",
            "time_grain_sqla": "P1D",
            "metrics": list(metrics),
            "groupby": list(by),
            "row_limit": 50_000,
            "limit": most,
            "timeseries_limit_metric": largest,
            "order_desc": True,
            "show_legend": len(metrics) > 1 or bool(by),
            "legendType": "scroll",
            "legendOrientation": "top",
            "rich_tooltip": True,
            "x_axis_time_format": "%b %Y",
            "tooltipTimeFormat": "%Y-%m-%d",
            "truncateYAxis": True,
            "y_axis_bounds": [None, None],
            **look,
        },
    )


def _rows(
    name: str,
    mart: str,
    says: str,
    columns: Mapping[str, tuple[str, str]],
    order: Sequence[tuple[str, bool]],
    *,
    width: int,
    height: int,
    page: int = 0,
    filters: Sequence[Mapping[str, Any]] = (),
) -> Chart:
    # with a page, the server is asked for one at a time, whatever the length of the mart
    rows = page or 1_000
    return Chart(
        name,
        mart,
        "table",
        says,
        width,
        height,
        {
            "columns": list(columns),
            "orderby": [[column, ascending] for column, ascending in order],
            "row_limit": rows,
        },
        filters,
        {
            "query_mode": "raw",
            "all_columns": list(columns),
            "order_by_cols": [json.dumps([column, ascending]) for column, ascending in order],
            "row_limit": 50_000,
            "server_pagination": page > 0,
            "server_page_length": rows,
            "show_cell_bars": False,
            "color_pn": True,
            "table_timestamp_format": "%Y-%m-%d",
            "column_config": {
                column: {
                    "customColumnName": said,
                    **({"d3NumberFormat": form} if form else {}),
                    **({"currencyFormat": DOLLARS} if form == SHORT else {}),
                }
                for column, (said, form) in columns.items()
            },
        },
    )


def _number(
    name: str,
    mart: str,
    says: str,
    measure: Mapping[str, Any],
    form: str = SHORT,
) -> Chart:
    return Chart(
        name,
        mart,
        "big_number",
        says,
        3,
        22,
        {
            "columns": [
                {
                    "columnType": "BASE_AXIS",
                    "expressionType": "SQL",
                    "sqlExpression": "day",
                    "label": "day",
                    "timeGrain": "P1D",
                }
            ],
            "metrics": [measure],
            "row_limit": 50_000,
        },
        (),
        {
            "x_axis": "day",
            "time_grain_sqla": "P1D",
            "metric": measure,
            "y_axis_format": form,
            **({"currency_format": DOLLARS} if form == SHORT else {}),
            "header_font_size": 0.4,
            "subheader_font_size": 0.15,
            "show_trend_line": True,
            "start_y_axis_at_zero": False,
            "aggregation": "LAST_VALUE",
            "time_format": "%Y-%m-%d",
        },
    )


_STRENGTH: Final = metric("max(rs_ratio)", "relative strength")
_MOMENTUM: Final = metric("max(rs_momentum)", "momentum")
_SIZE: Final = metric("max(mcap_usd)", "market cap")
_SUPPLY: Final = metric("sum(supply_par_usd)", "supply")

MARKET: Final = (
    (
        _number(
            "Market cap",
            "market_regime_daily",
            "All assets with a known supply, stablecoins included.",
            metric("max(total_mcap_usd)", "market cap"),
        ),
        _number(
            "Bitcoin's share",
            "market_regime_daily",
            "Bitcoin's part of the market cap.",
            metric("max(btc_dominance_frac)", "bitcoin's share"),
            PERCENT,
        ),
        _number(
            "Altseason index",
            "market_regime_daily",
            "Of the 50 largest altcoins, percent that beat bitcoin over 90 days.",
            metric("max(altseason_index)", "altseason index"),
            ",.0f",
        ),
        _number(
            "Above their mean of 50 days",
            "market_regime_daily",
            "Part of the universe that closed above its mean of 50 days.",
            metric("max(breadth_above_sma50)", "above sma 50"),
            PERCENT,
        ),
    ),
    (
        _lines(
            "Bitcoin and ether",
            "price_daily",
            "Canonical closes; the scale is logarithmic.",
            [metric("max(close_usd)", "close")],
            width=6,
            by=["symbol"],
            filters=[equal_to("asset_id", "bitcoin", "ethereum")],
            logAxis=True,
            y_axis_format=SHORT,
            currency_format=DOLLARS,
        ),
        _lines(
            "Who is how large",
            "market_regime_daily",
            "Parts of the market cap.",
            [
                metric("max(btc_dominance_frac)", "bitcoin"),
                metric("max(eth_dominance_frac)", "ether"),
                metric("max(stablecoin_share_frac)", "stablecoins"),
            ],
            width=6,
            y_axis_format=",.0%",
        ),
    ),
    (
        _rows(
            "Regime",
            "market_regime_daily",
            "The state of the market, the newest days first.",
            {
                "day": ("day", ""),
                "regime": ("regime", ""),
                "btc_phase": ("bitcoin is in", ""),
                "rotation_phase": ("money goes", ""),
                "season_label": ("season", ""),
                "market_ret_1d": ("market, 1 day", SIGNED),
            },
            [("day", False)],
            width=6,
            height=60,
            page=10,
        ),
        Chart(
            "Narrative rotation",
            "narrative_daily_latest",
            "bubble_v2",
            "Relative strength against its momentum: right is strong, up is gaining.",
            6,
            60,
            {
                "columns": ["narrative_id", "quadrant"],
                "metrics": [_STRENGTH, _MOMENTUM, _SIZE],
                "orderby": [[_SIZE, False]],
                "row_limit": 100,
            },
            [where("rs_ratio is not null and rs_momentum is not null")],
            {
                "entity": "narrative_id",
                "series": "quadrant",
                "x": _STRENGTH,
                "y": _MOMENTUM,
                "size": _SIZE,
                "orderby": _SIZE,
                "order_desc": True,
                "row_limit": 100,
                "max_bubble_size": "25",
                "opacity": 0.7,
                "show_legend": True,
                "legendType": "scroll",
                "legendOrientation": "top",
                "x_axis_label": "relative strength, 100 is the market",
                "x_axis_title_margin": 30,
                "y_axis_label": "momentum",
                "y_axis_title_margin": 50,
                "xAxisFormat": ",.0f",
                "y_axis_format": ",.0f",
                "tooltipSizeFormat": SHORT,
                "truncateXAxis": True,
                "truncateYAxis": True,
                "x_axis_bounds": [None, None],
                "y_axis_bounds": [None, None],
            },
        ),
    ),
    (
        _rows(
            "Grades",
            "screener_latest",
            "Members of the universe, the best trader grade first.",
            {
                "grade_rank": ("rank", ""),
                "symbol": ("symbol", ""),
                "name": ("name", ""),
                "trader_grade": ("trader grade", ",.1f"),
                "grade_change_7d": ("in 7 days", "+,.1f"),
                "investor_grade": ("investor grade", ",.1f"),
                "signal": ("signal", ""),
                "close_usd": ("close, USD", ",.4~r"),
                "ret_1d": ("1 day", SIGNED),
                "ret_7d": ("7 days", SIGNED),
                "ret_30d": ("30 days", SIGNED),
                "mcap_usd": ("market cap", SHORT),
                "narrative_id": ("narrative", ""),
                "quadrant": ("quadrant", ""),
            },
            [("grade_rank", True)],
            width=12,
            height=64,
            filters=[where("trader_grade is not null")],
        ),
    ),
    (
        _rows(
            "Signal changes",
            "signal_event",
            "The newest changes: 1 is long, 0 none, -1 short; in force from the day after.",
            {
                "day": ("day", ""),
                "symbol": ("symbol", ""),
                "from_signal": ("from", ""),
                "to_signal": ("to", ""),
                "signal_reason": ("why", ""),
                "trader_grade": ("grade", ",.1f"),
            },
            [("event_seq", False)],
            width=5,
            height=70,
            page=12,
        ),
        _rows(
            "Alerts",
            "alert",
            "The newest alerts, as they became known.",
            {
                "day": ("day", ""),
                "severity": ("severity", ""),
                "kind": ("kind", ""),
                "message": ("what happened", ""),
            },
            [("event_seq", False)],
            width=7,
            height=70,
            page=12,
        ),
    ),
)

STABLECOINS: Final = (
    (
        _number(
            "Supply of stablecoins",
            "stablecoin_market_daily",
            "At par: what was issued, and not what it trades at.",
            metric("max(total_supply_par_usd)", "supply"),
        ),
        _number(
            "Minted in 30 days",
            "stablecoin_market_daily",
            "Minted less redeemed, at par.",
            metric("max(net_mint_30d_usd)", "minted, 30 days"),
        ),
        _number(
            "Supply ratio",
            "stablecoin_market_daily",
            "Bitcoin's market cap over the supply: low is much money beside the market.",
            metric("max(ssr)", "supply ratio"),
            ",.2f",
        ),
        _number(
            "Concentration of issuers",
            "stablecoin_market_daily",
            "Sum of squared shares: 1 is a single issuer.",
            metric("max(hhi_issuer)", "concentration"),
            ",.2f",
        ),
    ),
    (
        _lines(
            "Supply by coin",
            "stablecoin_supply_daily",
            "The ten largest, at par.",
            [metric("sum(supply_par_usd)", "supply")],
            width=7,
            by=["symbol"],
            most=10,
            largest=metric("max(supply_par_usd)", "largest"),
            kind="echarts_area",
            stack="Stack",
            opacity=0.7,
            y_axis_format=SHORT,
            currency_format=DOLLARS,
            # a stack that does not begin at 0 lies about parts
            truncateYAxis=False,
        ),
        Chart(
            "Supply by chain",
            "stablecoin_chain_daily_latest",
            "echarts_timeseries_bar",
            "The fifteen largest chains, at par, on the newest day.",
            5,
            44,
            {
                "columns": ["chain"],
                "metrics": [_SUPPLY],
                "orderby": [[_SUPPLY, False]],
                "row_limit": 15,
            },
            [where("supply_par_usd > 0")],
            {
                "x_axis": "chain",
                "xAxisForceCategorical": True,
                "x_axis_sort": "supply",
                "x_axis_sort_asc": True,
                "metrics": [_SUPPLY],
                "groupby": [],
                "row_limit": 15,
                "order_desc": True,
                "orientation": "horizontal",
                "show_legend": False,
                "show_value": True,
                "y_axis_format": SHORT,
                "currency_format": DOLLARS,
                "rich_tooltip": True,
            },
        ),
    ),
    (
        _lines(
            "Distance from the peg",
            "stablecoin_peg_daily",
            "Closes of the most traded dollar coins, in basis points; cut off at 200.",
            [metric("max(dev_bps)", "bps")],
            width=7,
            by=["symbol"],
            most=8,
            largest=metric("sum(volume_usd)", "volume"),
            filters=[equal_to("ref_source", "definition")],
            y_axis_format=",.0f",
            y_axis_bounds=[-200, 200],
            height=50,
        ),
        _rows(
            "Pegs now",
            "stablecoin_peg_daily_latest",
            "The newest day, the furthest below its peg first.",
            {
                "symbol": ("symbol", ""),
                "price_usd": ("price, USD", ",.4f"),
                "dev_bps": ("from the peg, bps", "+,.1f"),
                "time_off_peg_30d_frac": ("off it, 30 days", ",.0%"),
                "price_quality": ("price", ""),
            },
            [("dev_bps", True)],
            width=5,
            height=50,
            filters=[where("dev_bps is not null")],
        ),
    ),
    (
        _rows(
            "Broken pegs",
            "depeg_event",
            "Each time that a coin left its band, the newest first.",
            {
                "symbol": ("symbol", ""),
                "event_state": ("state", ""),
                "severity": ("severity", ""),
                "start_day": ("off from", ""),
                "detected_day": ("detected", ""),
                "closed_day": ("closed", ""),
                "worst_bps": ("worst, bps", "+,.0f"),
            },
            [("start_day", False)],
            width=7,
            height=44,
        ),
        _rows(
            "Milestones",
            "stablecoin_milestone",
            "Supplies that were reached for the first time.",
            {
                "known_from_day": ("known from", ""),
                "symbol": ("symbol", ""),
                "threshold_usd": ("supply of", SHORT),
                "days_since_launch": ("days after launch", ""),
            },
            [("known_from_day", False), ("symbol", True)],
            width=5,
            height=44,
        ),
    ),
    (
        _rows(
            "Risk cards",
            "stablecoin_risk_card",
            "One row per coin with a supply: what is unknown is not harmless.",
            {
                "supply_rank": ("rank", ""),
                "symbol": ("symbol", ""),
                "mechanism": ("mechanism", ""),
                "supply_par_usd": ("supply", SHORT),
                "share_frac": ("share", PERCENT),
                "chain_count": ("chains", ""),
                "hhi_chain": ("concentration", ",.2f"),
                "depeg_count": ("depegs", ""),
                "worst_bps": ("worst, bps", "+,.0f"),
                "can_freeze": ("can freeze", ""),
                "attestation_age_d": ("attested, days ago", ""),
                "dead_from": ("dead from", ""),
            },
            [("supply_par_usd", False)],
            width=12,
            height=60,
            filters=[where("supply_par_usd > 0")],
        ),
    ),
)
DASHBOARDS: Final = {"Market": MARKET, "Stablecoins": STABLECOINS}
CHARTS: Final = tuple(chart for rows in DASHBOARDS.values() for row in rows for chart in row)


def bundle(database: Path) -> bytes:
    """Return everything as the archive that Superset imports.

    Args:
        database: the published file, as Superset is to open it.
    """
    files: dict[str, Any] = {
        "metadata": {"version": _VERSION, "type": "assets", "timestamp": "2024-01-01T00:00:00"},
        "databases/tokenmart": {
            "database_name": "Tokenmart",
            "sqlalchemy_uri": f"duckdb:///{database}?access_mode=read_only",
            "expose_in_sqllab": True,
            "allow_run_async": False,
            "allow_ctas": False,
            "allow_cvas": False,
            "allow_dml": False,
            "allow_csv_upload": False,
            "extra": {"allows_virtual_table_explore": True},
            "uuid": identity("database", "tokenmart"),
            "version": _VERSION,
        },
    }
    with duckdb.connect(str(database), read_only=True) as connection:
        files |= {f"datasets/tokenmart/{name}": it for name, it in _datasets(connection).items()}
    for chart in CHARTS:
        if f"datasets/tokenmart/{chart.mart}" in files:
            files[f"charts/{chart.uuid}"] = _chart(chart)
    for title, rows in DASHBOARDS.items():
        there = [[chart for chart in row if f"charts/{chart.uuid}" in files] for row in rows]
        files[f"dashboards/{title}"] = _dashboard(title, [row for row in there if row])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"tokenmart/{name}.yaml", yaml.safe_dump(content, sort_keys=False))
    return packed.getvalue()


def _datasets(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    described = connection.execute(
        """
        select table_name as name, comment from duckdb_tables() where schema_name = 'marts'
        union all
        select view_name, comment from duckdb_views() where schema_name = 'marts'
        order by name
        """
    ).fetchall()
    units = {
        (mart, column): unit
        for mart, column, unit in connection.execute(
            "select mart, column_name, unit from marts.meta_metric_catalog"
        ).fetchall()
    }
    columns: dict[str, list[dict[str, Any]]] = {}
    for table, column, kind, comment in connection.execute(
        """
        select table_name, column_name, data_type, comment
        from duckdb_columns() where schema_name = 'marts'
        order by table_name, column_index
        """
    ).fetchall():
        unit = units.get((table.removesuffix(_LATEST), column), "")
        columns.setdefault(table, []).append(
            {
                "column_name": column,
                "type": kind,
                "is_dttm": kind in ("DATE", "TIMESTAMP"),
                "is_active": True,
                "groupby": True,
                "filterable": True,
                "description": comment,
                "extra": {"d3_format": _FORMATS[unit]} if unit in _FORMATS else {},
            }
        )
    return {
        name: {
            "table_name": name,
            "schema": "marts",
            "description": comment,
            "main_dttm_col": next(
                (it["column_name"] for it in columns[name] if it["column_name"] == "day"), None
            ),
            "sql": None,
            "uuid": identity("dataset", name),
            "database_uuid": identity("database", "tokenmart"),
            "columns": columns[name],
            "metrics": [{"metric_name": "count", "expression": "count(*)", "verbose_name": "rows"}],
            "version": _VERSION,
        }
        for name, comment in described
    }


def _chart(chart: Chart) -> dict[str, Any]:
    return {
        "slice_name": chart.name,
        "description": chart.says,
        "viz_type": chart.viz,
        "params": {
            "viz_type": chart.viz,
            "adhoc_filters": [dict(part) for part in chart.filters],
            "color_scheme": "supersetColors",
            **chart.look,
        },
        "query_context": json.dumps(chart.query_context),
        "uuid": chart.uuid,
        "version": _VERSION,
        "dataset_uuid": identity("dataset", chart.mart),
    }


def _dashboard(title: str, rows: Sequence[Sequence[Chart]]) -> dict[str, Any]:
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {
            "type": "GRID",
            "id": "GRID_ID",
            "children": [f"ROW-{number}" for number, _ in enumerate(rows)],
            "parents": ["ROOT_ID"],
        },
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
    }
    for number, row in enumerate(rows):
        parents = ["ROOT_ID", "GRID_ID"]
        position[f"ROW-{number}"] = {
            "type": "ROW",
            "id": f"ROW-{number}",
            "children": [f"CHART-{chart.uuid}" for chart in row],
            "parents": parents,
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for chart in row:
            position[f"CHART-{chart.uuid}"] = {
                "type": "CHART",
                "id": f"CHART-{chart.uuid}",
                "children": [],
                "parents": [*parents, f"ROW-{number}"],
                "meta": {
                    # Superset puts its own number here, which it finds by the uuid
                    "chartId": 1 + CHARTS.index(chart),
                    "uuid": chart.uuid,
                    "sliceName": chart.name,
                    "width": min(chart.width, _COLUMNS),
                    "height": chart.height,
                },
            }
    return {
        "dashboard_title": title,
        "slug": title.lower(),
        "description": None,
        "css": "",
        "published": True,
        "uuid": identity("dashboard", title),
        "position": position,
        "metadata": {"color_scheme": "supersetColors", "refresh_frequency": 0},
        "version": _VERSION,
    }
