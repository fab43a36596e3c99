"""The charts: each is one Altair specification for all things that have it, without any numbers.

Datasets are named (`points`, and others where a chart has more); a page brings its own. The front
page's are drawn when the site is made, the others by the reader's browser. To add one: a function
that returns the chart, and a line in `_CHARTS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import altair as alt

from pipelines.site.palette import COLOURS, LIGHT, SERIES

_HEIGHT: Final = 240
# of the charts that are drawn when the site is made
_DRAWN_WIDTH: Final = 560
_DAY_MS: Final = 86_400_000
_SHORT_DOLLARS: Final = "replace(replace(format(datum.value, '$.3~s'), 'G', 'bn'), 'T', 'tn')"
_SHORT: Final = "replace(replace(format(datum.value, '.3~s'), 'G', 'bn'), 'T', 'tn')"
_AXES: Final = {
    "dollars": _SHORT_DOLLARS,
    "price": "abs(datum.value) >= 1 ? format(datum.value, '$,~r') : format(datum.value, '$~r')",
    "percent": "format(datum.value, '.2~%')",
    "number": _SHORT,
    "plain": "format(datum.value, '.3~r')",
}
_TIPS: Final = {
    "dollars": "$.4~s",
    "price": "$,.5~r",
    "percent": ".2~%",
    "number": ".4~s",
    "plain": ".4~r",
}


@dataclass(frozen=True)
class Series:
    """A column that is drawn as a line."""

    column: str
    label: str
    colour: str = ""
    dash: bool = False


@dataclass(frozen=True)
class Drawing:
    """A chart and what is said of it in words.

    Attributes:
        make: makes the specification.
        series: the lines that it has, or the columns whose values are said beside it.
    """

    make: Callable[[], alt.TopLevelMixin]
    series: tuple[Series, ...] = ()
    legend: bool = True


def _config() -> dict[str, Any]:
    text = {"labelColor": LIGHT["quiet"], "titleColor": LIGHT["quiet"]}
    font = "system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif"
    return {
        "font": font,
        "background": None,
        "view": {"stroke": None},
        "axis": text
        | {
            "grid": True,
            "gridColor": LIGHT["grid"],
            "domain": False,
            "ticks": False,
            "labelPadding": 6,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
        },
        "axisX": {"grid": False, "labelFlush": True, "labelOverlap": True},
        "legend": text | {"labelFontSize": 12, "symbolStrokeWidth": 3},
        "text": {"color": LIGHT["quiet"], "fontSize": 12},
        "mark": {"color": LIGHT["blue"]},
        "range": {"category": list(SERIES)},
    }


def _x() -> alt.X:
    return alt.X(
        "day:T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(tickCount=6, labelOverlap="greedy"),
    )


def _points() -> alt.Chart:
    return alt.Chart(alt.NamedData("points"))


def _tip(series: tuple[Series, ...], form: str) -> list[alt.Tooltip]:
    day = alt.Tooltip("utcyearmonthdate(day):T", title="day")
    return [day] + [
        alt.Tooltip(f"{one.column}:Q", title=one.label, format=_TIPS[form]) for one in series
    ]


def _colour(series: tuple[Series, ...], index: int) -> str:
    named = series[index].colour
    return LIGHT[named] if named else SERIES[index % len(SERIES)]


def _hover(series: tuple[Series, ...], form: str) -> alt.LayerChart:
    """Return a rule at the day that is pointed at, with the values of that day."""
    near = alt.selection_point(
        name="near",
        nearest=True,
        on="pointermove",
        clear="pointerout",
        encodings=["x"],
        empty=False,
    )
    return (
        _points()
        .mark_rule(color=LIGHT["grey"])
        .encode(
            x=_x(),
            opacity=alt.condition(near, alt.value(0.7), alt.value(0)),
            tooltip=_tip(series, form),
        )
        .add_params(near)
    )


def _lines(
    series: tuple[Series, ...],
    form: str,
    *,
    log: bool = False,
    zero: bool = False,
    domain: tuple[float, float] | None = None,
    rule: float | None = None,
    height: int = _HEIGHT,
    more: tuple[alt.Chart, ...] = (),
) -> alt.LayerChart:
    """Return lines over days on one scale."""
    scale = alt.Scale(
        type="log" if log else "linear",
        zero=alt.Undefined if log else zero,
        nice=not log,
        domain=list(domain) if domain else alt.Undefined,
    )
    axis = alt.Axis(labelExpr=_AXES[form], tickCount=5)
    layers: list[alt.Chart | alt.LayerChart] = []
    if rule is not None:
        layers.append(
            alt.Chart(alt.Data(values=[{"at": rule}]))
            .mark_rule(color=LIGHT["grey"], strokeDash=[3, 3])
            .encode(y=alt.Y("at:Q", scale=scale))
        )
    for index, one in enumerate(series):
        layers.append(
            _points()
            .mark_line(
                strokeWidth=1.6,
                color=_colour(series, index),
                strokeDash=[5, 3] if one.dash else alt.Undefined,
                interpolate="linear",
            )
            .encode(x=_x(), y=alt.Y(f"{one.column}:Q", title=None, scale=scale, axis=axis))
        )
    return alt.layer(*more, *layers, _hover(series, form)).properties(
        width="container", height=height
    )


def _line_chart(*series: Series, form: str, legend: bool = True, **options: Any) -> Drawing:
    return Drawing(lambda: _lines(series, form, **options), series, legend)


def _area_chart(one: Series, form: str, *, domain: tuple[float, float] | None = None) -> Drawing:
    series = (one,)

    def make() -> alt.LayerChart:
        area = (
            _points()
            .mark_area(
                color=_colour(series, 0),
                opacity=0.25,
                line={"color": _colour(series, 0), "strokeWidth": 1.6},
            )
            .encode(
                x=_x(),
                y=alt.Y(
                    f"{one.column}:Q",
                    title=None,
                    scale=alt.Scale(domain=list(domain)) if domain else alt.Scale(),
                    axis=alt.Axis(labelExpr=_AXES[form], tickCount=5),
                ),
            )
        )
        return alt.layer(area, _hover(series, form)).properties(width="container", height=_HEIGHT)

    return Drawing(make, series, legend=False)


def _stack(column: str, by: str, form: str, *, share: bool = False) -> Drawing:
    """Return areas on one another, by the values of a column."""

    def make() -> alt.Chart:
        return (
            _points()
            .mark_area()
            .encode(
                x=_x(),
                y=alt.Y(
                    f"sum({column}):Q",
                    title=None,
                    stack="normalize" if share else "zero",
                    axis=alt.Axis(labelExpr=_AXES[form], tickCount=5),
                ),
                color=alt.Color(
                    f"{by}:N",
                    title=None,
                    sort=None,
                    legend=alt.Legend(orient="bottom", columns=4, symbolType="square"),
                ),
                order=alt.Order("place:Q"),
                tooltip=[
                    alt.Tooltip("utcyearmonthdate(day):T", title="day"),
                    alt.Tooltip(f"{by}:N", title=by.replace("_", " ")),
                    alt.Tooltip(f"{column}:Q", title="value", format=_TIPS[form]),
                ],
            )
            .properties(width="container", height=_HEIGHT)
        )

    return Drawing(
        make, (Series(by, by), Series("place", "place"), Series(column, "value")), legend=False
    )


_PRICE = (Series("close_usd", "close", "ink"),)


def _price() -> alt.LayerChart:
    scale = alt.Scale(type="log", nice=False)
    axis = alt.Axis(labelExpr=_AXES["price"], tickCount=6)
    y = alt.Y("usd:Q", title=None, scale=scale, axis=axis)
    level_tip = [
        alt.Tooltip("label:N", title="level"),
        alt.Tooltip("usd:Q", title="at", format=_TIPS["price"]),
    ]
    levels = (
        alt.Chart(alt.NamedData("levels"))
        .mark_rule(strokeWidth=1, strokeDash=[2, 3])
        .encode(
            y=y,
            color=alt.Color(
                "side:N",
                legend=None,
                scale=alt.Scale(
                    domain=["support", "resistance"], range=[LIGHT["teal"], LIGHT["purple"]]
                ),
            ),
            tooltip=level_tip,
        )
    )
    plan = alt.Chart(alt.NamedData("plan"))
    plan_scale = alt.Scale(
        domain=["entry", "stop", "target 1", "target 2"],
        range=[LIGHT["grey"], LIGHT["orange"], LIGHT["blue"], LIGHT["blue"]],
    )
    lines = plan.mark_rule(strokeWidth=1.6).encode(
        y=y, color=alt.Color("label:N", legend=None, scale=plan_scale), tooltip=level_tip
    )
    words = plan.mark_text(align="left", dx=4, dy=-6, fontSize=12, fontWeight="bold").encode(
        y=y,
        x=alt.value(0),
        text="label:N",
        color=alt.Color("label:N", legend=None, scale=plan_scale),
    )
    close = (
        _points()
        .mark_line(strokeWidth=1.6, color=LIGHT["ink"])
        .encode(x=_x(), y=alt.Y("close_usd:Q", title=None, scale=scale, axis=axis))
    )
    changes = (
        alt.Chart(alt.NamedData("changes"))
        .mark_point(size=90, filled=True, opacity=1)
        .encode(
            x=_x(),
            y=alt.Y("close_usd:Q", scale=scale),
            shape=alt.Shape(
                "to:N",
                legend=None,
                scale=alt.Scale(
                    domain=["long", "flat", "short"],
                    range=["triangle-up", "circle", "triangle-down"],
                ),
            ),
            color=alt.Color(
                "to:N",
                legend=None,
                scale=alt.Scale(
                    domain=["long", "flat", "short"],
                    range=[LIGHT["blue"], LIGHT["grey"], LIGHT["orange"]],
                ),
            ),
            tooltip=[
                alt.Tooltip("utcyearmonthdate(day):T", title="known after"),
                alt.Tooltip("to:N", title="signal"),
                alt.Tooltip("trader_grade:Q", title="trader grade", format=".3~r"),
            ],
        )
    )
    return (
        alt.layer(levels, lines, close, _hover(_PRICE, "price"), changes, words)
        .resolve_scale(color="independent")
        .properties(width="container", height=380)
    )


def _rotation() -> alt.LayerChart:
    """Return relative strength against its momentum, with a tail of weeks behind each narrative."""
    x = alt.X(
        "rs_ratio:Q",
        title="relative strength",
        scale=alt.Scale(zero=False, padding=24),
        axis=alt.Axis(grid=False, tickCount=5),
    )
    y = alt.Y(
        "rs_momentum:Q",
        title="momentum",
        scale=alt.Scale(zero=False, padding=24),
        axis=alt.Axis(grid=False, tickCount=5),
    )
    middle = alt.Chart(alt.Data(values=[{"at": 100}]))
    cross = middle.mark_rule(color=LIGHT["line"])
    colour = alt.Color(
        "quadrant:N",
        legend=None,
        scale=alt.Scale(
            domain=["leading", "improving", "weakening", "lagging"],
            range=[LIGHT["blue"], LIGHT["teal"], LIGHT["purple"], LIGHT["orange"]],
        ),
    )
    tails = (
        _points()
        .mark_line(opacity=0.45, strokeWidth=1.5, interpolate="cardinal")
        .encode(
            x=x,
            y=y,
            detail="narrative_id:N",
            color=alt.Color("now:N", legend=None, scale=colour["scale"]),
            order="age:Q",
        )
    )
    heads = _points().transform_filter("datum.age == 0")
    dots = heads.mark_circle(size=70, opacity=1).encode(
        x=x,
        y=y,
        color=colour,
        tooltip=[
            alt.Tooltip("label:N", title="narrative"),
            alt.Tooltip("quadrant:N"),
            alt.Tooltip("rs_ratio:Q", title="strength", format=".2f"),
            alt.Tooltip("rs_momentum:Q", title="momentum", format=".2f"),
        ],
    )
    # away from the middle, where they would stand on one another
    names = [
        heads.transform_filter(side)
        .mark_text(dx=dx, align=align, fontSize=12)
        .encode(x=x, y=y, text="label:N")
        for side, dx, align in (
            ("datum.rs_ratio >= 100", 8, "left"),
            ("datum.rs_ratio < 100", -8, "right"),
        )
    ]
    return (
        alt.layer(cross.encode(x="at:Q"), cross.encode(y="at:Q"), tails, dots, *names)
        .resolve_scale(color="independent")
        .properties(width="container", height=380)
    )


def _bars(
    x: str, y: str, form: str, *, error: str = "", by: str = ""
) -> Callable[[], alt.LayerChart]:
    """Return points with twice their standard error, over categories in the data's order."""

    def make() -> alt.LayerChart:
        shared: dict[str, Any] = {
            "x": alt.X(f"{x}:O", title=None, sort=None, axis=alt.Axis(labelAngle=0, grid=False))
        }
        if by:
            shared["color"] = alt.Color(
                f"{by}:N", title=None, sort=None, legend=alt.Legend(orient="top")
            )
            shared["xOffset"] = alt.XOffset(f"{by}:N", sort=None)
        axis = alt.Axis(labelExpr=_AXES[form], tickCount=5)
        base = _points().transform_calculate(
            low=f"datum.{y} - 2 * datum.{error}", high=f"datum.{y} + 2 * datum.{error}"
        )
        zero = (
            alt.Chart(alt.Data(values=[{"at": 0}])).mark_rule(color=LIGHT["grey"]).encode(y="at:Q")
        )
        span = base.mark_rule(strokeWidth=2, color=alt.Undefined if by else LIGHT["blue"]).encode(
            y=alt.Y("low:Q", title=None, axis=axis), y2="high:Q", **shared
        )
        dots = base.mark_circle(size=70, opacity=1).encode(
            y=alt.Y(f"{y}:Q", title=None, axis=axis),
            tooltip=[
                alt.Tooltip(f"{x}:N"),
                alt.Tooltip(f"{y}:Q", format=_TIPS[form]),
                alt.Tooltip(f"{error}:Q", title="standard error", format=_TIPS[form]),
            ],
            **shared,
        )
        return alt.layer(zero, span, dots).properties(width="container", height=_HEIGHT)

    return make


def _equity() -> alt.Chart:
    return (
        _points()
        .mark_line(strokeWidth=1.5)
        .encode(
            x=_x(),
            y=alt.Y(
                "equity:Q",
                title=None,
                scale=alt.Scale(type="log", nice=False),
                axis=alt.Axis(labelExpr=_AXES["plain"], tickCount=6),
            ),
            color=alt.Color(
                "strategy_id:N",
                title=None,
                legend=alt.Legend(orient="bottom", columns=3, labelLimit=220),
            ),
            tooltip=[
                alt.Tooltip("utcyearmonthdate(day):T", title="day"),
                alt.Tooltip("strategy_id:N", title="strategy"),
                alt.Tooltip("equity:Q", format=".3f"),
            ],
        )
        .properties(width="container", height=320)
    )


def _peg() -> alt.LayerChart:
    scale = alt.Scale(type="symlog", constant=20)
    series = (Series("dev_bps", "off the peg"), Series("dev_low_bps", "at the day's low"))
    band = (
        alt.Chart(alt.NamedData("depegs"))
        .mark_rect(color=LIGHT["orange"], opacity=0.22)
        .encode(x=alt.X("start_day:T", scale=alt.Scale(type="utc")), x2="end_day:T")
    )
    axis = alt.Axis(
        values=[-10_000, -3_000, -1_000, -300, -100, -30, -10, 0, 10, 30, 100, 300, 1_000, 10_000],
        labelExpr="format(datum.value, ',') + ' bps'",
        labelOverlap=True,
    )
    lines = [
        _points()
        .mark_line(
            strokeWidth=1.4 if index == 0 else 0.8,
            color=LIGHT["blue"] if index == 0 else LIGHT["sky"],
        )
        .encode(x=_x(), y=alt.Y(f"{one.column}:Q", title=None, scale=scale, axis=axis))
        for index, one in enumerate(series)
    ]
    return alt.layer(band, lines[1], lines[0], _hover(series, "plain")).properties(
        width="container", height=_HEIGHT
    )


_CHARTS: Final[dict[str, Drawing]] = {
    # the market
    "market_cap": _line_chart(
        Series("total_mcap_usd", "total cap", "blue"),
        Series("total_mcap_sma_200_usd", "its 200-day mean", "grey", dash=True),
        form="dollars",
    ),
    "dominance": _line_chart(
        Series("btc_dominance_frac", "Bitcoin", "orange"),
        Series("alt_share_frac", "alts", "blue"),
        Series("eth_dominance_frac", "Ether", "purple"),
        Series("stablecoin_share_frac", "stablecoins", "teal"),
        form="percent",
        zero=True,
    ),
    "altseason": _line_chart(
        Series("altseason_index", "altseason index", "blue"),
        form="plain",
        domain=(0, 100),
        rule=75,
        legend=False,
    ),
    "breadth": _line_chart(
        Series("breadth_above_sma50", "above their 50-day mean", "blue"),
        Series("pct_grade_high", "with a high trader grade", "orange"),
        form="percent",
        domain=(0, 1),
    ),
    "rotation": Drawing(
        _rotation,
        (
            Series("narrative_id", "id"),
            Series("label", "label"),
            Series("rs_ratio", "relative strength"),
            Series("rs_momentum", "momentum"),
            Series("quadrant", "quadrant"),
            Series("now", "now"),
            Series("age", "age"),
        ),
        legend=False,
    ),
    "stable_supply": _stack("supply_usd", "coin", "dollars"),
    # a token
    "price": Drawing(_price, _PRICE, legend=False),
    "grades": _line_chart(
        Series("trader_grade", "trader grade", "blue"),
        Series("investor_grade", "investor grade", "orange"),
        form="plain",
        domain=(0, 100),
        rule=50,
    ),
    "drawdown": _area_chart(
        Series("drawdown_frac", "below its highest close", "orange"), "percent"
    ),
    "volatility": _line_chart(
        Series("vol_30d_ann", "over 30 days", "blue"),
        Series("vol_180d_ann", "over 180 days", "grey", dash=True),
        form="percent",
        zero=True,
    ),
    "funding": _line_chart(
        Series("carry_ann_frac", "funding, a year's worth", "blue"),
        form="percent",
        rule=0,
        legend=False,
    ),
    "open_interest": _area_chart(Series("oi_usd", "open interest", "blue"), "dollars"),
    "caps": _line_chart(
        Series("mcap_usd", "market cap", "blue"),
        Series("fdv_usd", "fully diluted", "grey", dash=True),
        form="dollars",
    ),
    "multiples": _line_chart(
        Series("pf_circ_x", "price to fees", "blue"),
        Series("ps_circ_x", "price to revenue", "orange"),
        form="number",
        log=True,
    ),
    "signal_returns": _line_chart(
        Series("strat_index", "following the signal", "blue"),
        Series("hold_index", "holding", "grey", dash=True),
        form="plain",
        log=True,
    ),
    # a stablecoin
    "supply": _line_chart(
        Series("supply_par_usd", "at its peg", "blue"),
        Series("supply_usd", "at its price", "orange", dash=True),
        form="dollars",
        zero=True,
    ),
    "chain_supply": _stack("supply_usd", "chain", "dollars"),
    "peg": Drawing(
        _peg,
        (
            Series("dev_bps", "off the peg", "blue"),
            Series("dev_low_bps", "at the day's low", "sky"),
        ),
    ),
    # a protocol, a chain, an exchange, a narrative
    "tvl": _area_chart(Series("tvl_usd", "value locked", "blue"), "dollars"),
    "fees": _line_chart(
        Series("fees_usd", "fees", "blue"),
        Series("revenue_usd", "revenue", "orange"),
        form="dollars",
        zero=True,
    ),
    "dex_volume": _area_chart(Series("dex_volume_usd", "traded", "blue"), "dollars"),
    "stables": _area_chart(Series("stables_usd", "stablecoins", "teal"), "dollars"),
    "volume_share": _area_chart(
        Series("spot_volume_share_frac", "share of spot volume", "blue"), "percent"
    ),
    "spot_volume": _area_chart(Series("spot_volume_usd", "spot volume", "blue"), "dollars"),
    "basket": _line_chart(
        Series("basket_index", "its basket", "blue"),
        Series("market_index", "the market", "grey", dash=True),
        form="plain",
        log=True,
    ),
    "strength": _line_chart(
        Series("rs_ratio", "relative strength", "blue"),
        Series("rs_momentum", "its momentum", "orange"),
        form="plain",
        rule=100,
    ),
    # what it was worth
    "evidence": _line_chart(
        Series("ic_recent_mean", "lately", "blue"),
        Series("ic_mean", "ever since", "grey", dash=True),
        form="plain",
        rule=0,
    ),
    "information": Drawing(
        _bars("horizon", "statistic_value", "plain", error="standard_error", by="measure"),
        (
            Series("horizon", "horizon"),
            Series("measure", "measure"),
            Series("statistic_value", "rank correlation"),
            Series("standard_error", "standard error"),
        ),
        legend=False,
    ),
    "fifths": Drawing(
        _bars("fifth", "statistic_value", "percent", error="standard_error"),
        (
            Series("fifth", "fifth"),
            Series("statistic_value", "mean return"),
            Series("standard_error", "standard error"),
        ),
        legend=False,
    ),
    "equity": Drawing(
        _equity, (Series("strategy_id", "strategy"), Series("equity", "equity")), legend=False
    ),
}


@cache
def spec(name: str) -> dict[str, Any]:
    """Return a chart's Vega-Lite specification, without its datasets."""
    made: dict[str, Any] = _CHARTS[name].make().to_dict(validate=False)
    made.pop("datasets", None)
    made["config"] = _config()
    made.pop("$schema", None)
    made["autosize"] = {"type": "fit-x", "contains": "padding"}
    return made


def columns_of(name: str) -> dict[str, set[str]]:
    """Return the columns that a chart reads, by dataset; of those that are not named, all."""
    return {"points": {"day", *(one.column for one in _CHARTS[name].series)}}


def series_of(name: str) -> dict[str, str]:
    """Return the columns whose values are said in words, with their names for people."""
    return {
        one.column: one.label for one in _CHARTS[name].series if one.column not in {"place", "age"}
    }


def legend_of(name: str) -> list[tuple[str, str]]:
    """Return the lines of a chart: the name of each one's colour, and what it is."""
    drawing = _CHARTS[name]
    by_value = {colour.light: colour.name for colour in COLOURS}
    return [
        (by_value[_colour(drawing.series, index)], one.label)
        for index, one in enumerate(drawing.series)
        if drawing.legend
    ]


def script() -> str:
    """Return the script with all specifications, and the names of the colours they are in."""
    written = {
        "colours": {colour.light: colour.name for colour in COLOURS},
        "specs": {name: spec(name) for name in _CHARTS},
    }
    return f"window.tokenmartCharts={json.dumps(written, separators=(',', ':'))};\n"


def svg(name: str, datasets: Mapping[str, Mapping[str, list[Any]]]) -> str:
    """Return a chart as an SVG, drawn now; its colours are the light ones.

    Args:
        name: the chart.
        datasets: by name: columns of the same length.
    """
    # only here: it brings a JavaScript engine along
    import vl_convert

    drawn = _still(spec(name))
    drawn["datasets"] = {key: _rows(columns) for key, columns in datasets.items()}
    drawn["width"] = _DRAWN_WIDTH
    drawn.pop("autosize", None)
    text: str = vl_convert.vegalite_to_svg(drawn)
    return re.sub(r' (?:width|height)="[\d.]+"', "", text, count=2)


def _still(spec_: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification without what only answers to a pointer."""
    still = {key: value for key, value in spec_.items() if key != "params"}
    answering = {view for param in spec_.get("params", ()) for view in param.get("views", ())}
    if "layer" in still:
        still["layer"] = [
            _still(layer) for layer in still["layer"] if layer.get("name") not in answering
        ]
    if "encoding" in still:
        still["encoding"] = {
            key: value for key, value in still["encoding"].items() if key != "tooltip"
        }
    return still


def _rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    names = list(columns)
    return [
        {
            name: value * _DAY_MS
            if (name == "day" or name.endswith("_day")) and value is not None
            else value
            for name, value in zip(names, row, strict=True)
        }
        for row in zip(*columns.values(), strict=True)
    ]
