"""A backtest for people: one page without a single request to anybody, and its tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.research.backtest import Backtest

WIDTH: Final = 960
HEIGHT: Final = 240
MARGIN: Final = 48

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}
svg{width:100%;height:auto}text{font-size:12px;fill:#555}.line{fill:none;stroke-width:1.5}
"""


def write(result: Backtest, out: Path) -> Path:
    """Write ``trades.parquet``, ``performance.parquet`` and ``report.html``.

    Args:
        result: what became of the rule.
        out: the folder; what a backtest wrote there before is replaced.

    Returns:
        The page.
    """
    out.mkdir(parents=True, exist_ok=True)
    result.trades.write_parquet(out / "trades.parquet")
    result.performance.write_parquet(out / "performance.parquet")
    path = out / "report.html"
    path.write_text(page(result), encoding="utf-8")
    return path


def page(result: Backtest) -> str:
    """The report: summary, equity, drawdown, why positions ended, what costs took, the rule."""
    days = result.performance["day"]
    parts = [
        f"<h1>{escape(result.name)}</h1>",
        f"<p>{days[0]} to {days[-1]}, net of all costs.</p>",
        "<p>A Sharpe ratio within two of its standard errors (se) of zero is no evidence.</p>",
        table(result.summary),
        "<h2>Equity</h2>",
        chart(result.performance, "equity", "#1f6f8b"),
        "<h2>Drawdown</h2>",
        chart(result.performance, "drawdown_frac", "#b23a48"),
        "<h2>How positions ended</h2>",
        table(endings(result.trades)),
        "<h2>The rule</h2>",
        table(
            pl.DataFrame(
                [
                    {"field": name, "value": "" if value is None else str(value)}
                    for name, value in dataclasses.asdict(result.rule).items()
                ]
            )
        ),
    ]
    title = escape(result.name)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f"<!doctype html>\n<html lang=en><head>{head}</head><body>\n" + "\n".join(
        [*parts, "</body></html>\n"]
    )


def endings(trades: pl.DataFrame) -> pl.DataFrame:
    """Trades by what ended them: how many, and what they earned on the mean."""
    return (
        trades.with_columns(pl.col("exit_reason").fill_null("still held"))
        .group_by("exit_reason")
        .agg(
            pl.len().alias("trade_count"),
            pl.col("gross_pnl_frac", "net_pnl_frac", "r_multiple", "held_d").mean(),
        )
        .sort("exit_reason")
    )


def table(frame: pl.DataFrame) -> str:
    """A frame as an HTML table."""
    head = "".join(f"<th>{escape(name)}</th>" for name in frame.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell(value))}</td>" for value in row) + "</tr>"
        for row in frame.iter_rows()
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def cell(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def chart(daily: pl.DataFrame, column: str, colour: str) -> str:
    """One column over the days as a drawing."""
    values = daily[column].to_list()
    low, high = min(values), max(values)
    span = high - low or 1.0
    width, height = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    steps = max(len(values) - 1, 1)
    points = " ".join(
        f"{MARGIN + width * place / steps:.1f},{MARGIN + height * (high - value) / span:.1f}"
        for place, value in enumerate(values)
    )
    labels: Sequence[tuple[float, float, str, str]] = (
        (MARGIN - 4, MARGIN + 4, "end", cell(high)),
        (MARGIN - 4, HEIGHT - MARGIN + 4, "end", cell(low)),
        (MARGIN, HEIGHT - 12, "start", str(daily["day"][0])),
        (WIDTH - MARGIN, HEIGHT - 12, "end", str(daily["day"][-1])),
    )
    texts = "".join(
        f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
        for x, y, anchor, text in labels
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(column)}">'
        f'<polyline class="line" stroke="{colour}" points="{points}"/>{texts}</svg>'
    )
