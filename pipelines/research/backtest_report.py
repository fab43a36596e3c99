"""Backtests for people: one page without a single request to anybody, and its tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pipelines.research.backtest import Backtest
from pipelines.research.page import heading, legend, page, picture, sentence, table

WIDTH = 900
HEIGHTS = {"equity": 260, "drawdown_frac": 140}
POINTS = 300
"""Of a line: more of them nobody sees, and the picture would be as large as its table."""


def write(results: Sequence[Backtest], out: Path) -> Path:
    """Write ``trades.parquet``, ``performance.parquet``, ``equity.svg`` and ``report.html``.

    Args:
        results: what became of each rule; the tables name it in ``strategy_id``.
        out: the folder; what a backtest wrote there before is replaced.

    Returns:
        The page.
    """
    out.mkdir(parents=True, exist_ok=True)
    _together(results, "trades").write_parquet(out / "trades.parquet")
    performance = _together(results, "performance")
    performance.write_parquet(out / "performance.parquet")
    drawing = _curves(performance)
    (out / "equity.svg").write_text(drawing, encoding="utf-8")
    path = out / "report.html"
    path.write_text(html(results, performance, drawing), encoding="utf-8")
    return path


def html(results: Sequence[Backtest], performance: pl.DataFrame, drawing: str) -> str:
    """The page: equity and drawdown of all rules, then of each what became of it, and the rule."""
    days = performance["day"]
    parts = [
        sentence(f"{days.min()!s} to {days.max()!s}, net of all costs."),
        sentence("A Sharpe ratio within two of its standard errors (se) of zero is no evidence."),
        heading("Equity and drawdown"),
        drawing,
    ]
    for result in results:
        fields = dataclasses.asdict(result.rule)
        rule = {name: value for name, value in fields.items() if value is not None}
        parts += [
            heading(result.name),
            table(result.summary),
            table(endings(result.trades)),
            table(pl.DataFrame({"field": list(rule), "value": list(map(str, rule.values()))})),
        ]
    return page(", ".join(result.name for result in results), parts)


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


def _together(results: Sequence[Backtest], table_name: str) -> pl.DataFrame:
    frames: list[pl.DataFrame] = [
        getattr(result, table_name).select(pl.lit(result.name).alias("strategy_id"), pl.all())
        for result in results
    ]
    return pl.concat(frames)


def _curves(performance: pl.DataFrame) -> str:
    """Equity above drawdown, one line for each rule."""
    import altair as alt

    lines = [
        alt.Chart()
        .mark_line(strokeWidth=1.2)
        .encode(
            x=alt.X("day:T", title=None, axis=alt.Axis(format="%Y-%m")),
            y=alt.Y(f"{column}:Q", title=column),
            color=alt.Color("strategy_id:N", title=None, legend=legend()),
        )
        .properties(width=WIDTH, height=height)
        for column, height in HEIGHTS.items()
    ]
    days = performance["day"].unique().sort(descending=True)
    drawn = performance.filter(pl.col("day").is_in(days.gather_every(len(days) // POINTS + 1)))
    values = drawn.select("strategy_id", pl.col("day").cast(pl.String), *HEIGHTS).to_dicts()
    return picture(alt.vconcat(*lines, data={"values": values}))
