"""What the bench found, for people: a page, tables and charts in a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pipelines.research.bench import Findings
from pipelines.research.panel import ResearchPanel

HORIZON_D = 7
Z_95 = 1.96

_MEASURE = "measure:N"
_VALUE = "statistic_value:Q"


def headline(quality: pl.DataFrame, universe: str = "all") -> pl.DataFrame:
    """One row per measure: what it was worth over 7 days, with its uncertainty.

    Args:
        quality: ``Findings.quality``.
        universe: whom it was asked about.
    """
    rows = quality.filter(
        (pl.col("universe") == universe)
        & (pl.col("period") == "all")
        & (pl.col("horizon_d") == HORIZON_D)
        & (pl.col("quantile") == 0)
    )
    keys = ["measure_kind", "measure"]
    values = rows.pivot(on="statistic", index=keys, values="statistic_value")
    errors = rows.filter(pl.col("statistic").is_in(["ic", "spread_net_ret"])).pivot(
        on="statistic", index=keys, values=["t_stat", "standard_error"]
    )
    wanted = ["ic", "spread_median_ret", "spread_ret", "spread_net_ret", "turnover_frac"]
    table = values.join(errors, on=keys, how="left")
    missing = [
        pl.lit(None, pl.Float64).alias(name)
        for name in (*wanted, "t_stat_ic", "standard_error_spread_net_ret")
        if name not in table.columns
    ]
    margin = Z_95 * pl.col("standard_error_spread_net_ret")
    return (
        table.with_columns(missing)
        .select(
            *keys,
            "ic",
            pl.col("t_stat_ic").alias("t"),
            "spread_median_ret",
            "spread_ret",
            "spread_net_ret",
            (pl.col("spread_net_ret") - margin).alias("net_low"),
            (pl.col("spread_net_ret") + margin).alias("net_high"),
            "turnover_frac",
        )
        .sort("ic", descending=True, nulls_last=True)
    )


def by_year(quality: pl.DataFrame, measure: str) -> pl.DataFrame:
    """What one measure was worth over 7 days by universe and calendar year."""
    rows = quality.filter(
        (pl.col("measure") == measure)
        & (pl.col("horizon_d") == HORIZON_D)
        & pl.col("statistic").is_in(["ic", "spread_median_ret", "spread_ret", "spread_net_ret"])
    )
    keys = ["universe", "period"]
    values = rows.pivot(on="statistic", index=keys, values="statistic_value")
    ic = rows.filter(pl.col("statistic") == "ic").select(
        *keys, pl.col("t_stat").alias("t"), "day_count"
    )
    return values.join(ic, on=keys, how="left").sort(keys)


def write(findings: Findings, panel: ResearchPanel, out: Path) -> Path:
    """Write tables, charts and the page.

    Args:
        findings: what was found.
        panel: where.
        out: the folder; what the bench wrote there before is replaced.

    Returns:
        The page.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables = {
        "quality": findings.quality,
        "correlation": findings.correlation,
        "trials": findings.trials,
        "walk_forward": findings.walk_forward,
    }
    for name, table in tables.items():
        table.write_parquet(out / f"{name}.parquet")
    _charts(findings.quality, out)
    grades = findings.quality.filter(pl.col("measure_kind") == "grade")["measure"].unique().sort()
    page = [
        f"# Research bench: {panel.name}",
        "",
        f"{len(panel.grid.assets)} assets, {panel.grid.days[0]} to {panel.grid.days[-1]}.",
        "Returns begin at the close of the day after the measure's. Errors are Newey-West's.",
        "",
    ]
    if findings.warning:
        page += [f"**{findings.warning}**", ""]
    for universe in sorted(findings.quality["universe"].unique()):
        page += [
            f"## {HORIZON_D} days, {universe}",
            "",
            *_markdown(headline(findings.quality, universe)),
            "",
        ]
    for measure in grades:
        page += [f"## {measure} by year", "", *_markdown(by_year(findings.quality, measure)), ""]
    page += ["## Walk-forward", "", *_markdown(findings.walk_forward), ""]
    page += ["## Trials", "", f"{findings.trials['trial'].n_unique()} trials.", ""]
    for statistic, probability in findings.overfitting.items():
        told = "cannot be told" if probability is None else f"{probability:.1%}"
        page.append(f"- probability of backtest overfitting by {statistic}: {told}")
    page += ["", *_markdown(findings.trials), ""]
    path = out / "report.md"
    path.write_text("\n".join(page), encoding="utf-8")
    return path


def _markdown(table: pl.DataFrame) -> list[str]:
    lines = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in table.iter_rows()]
    return lines


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _charts(quality: pl.DataFrame, out: Path) -> None:
    """Decay and quantile charts as pages that open in a browser."""
    import altair as alt

    kinds = pl.col("measure_kind").is_in(["grade", "composite"])
    whole = quality.filter(kinds & (pl.col("period") == "all"))
    if whole.is_empty():
        whole = quality.filter(pl.col("period") == "all")
    decay = whole.filter(pl.col("statistic") == "ic").with_columns(
        (pl.col("statistic_value") - Z_95 * pl.col("standard_error")).alias("low"),
        (pl.col("statistic_value") + Z_95 * pl.col("standard_error")).alias("high"),
    )
    quantiles = whole.filter(
        pl.col("statistic").is_in(["quantile_ret", "quantile_median_ret"])
        & (pl.col("horizon_d") == HORIZON_D)
    )
    band = (
        alt.Chart().mark_errorband().encode(x="horizon_d:O", y="low:Q", y2="high:Q", color=_MEASURE)
    )
    line = alt.Chart().mark_line(point=True).encode(x="horizon_d:O", y=_VALUE, color=_MEASURE)
    bars = (
        alt.Chart()
        .mark_bar()
        .encode(x="quantile:O", y=_VALUE, color="statistic:N", xOffset="statistic:N")
    )
    title = "Rank information coefficient by days ahead, 95 %"
    alt.layer(band, line, data=_inline(decay)).facet(column="universe:N").properties(
        title=title
    ).save(str(out / "decay.html"))
    title = f"Return within {HORIZON_D} days by fifth, 5 is best"
    bars.properties(data=_inline(quantiles)).facet(row=_MEASURE, column="universe:N").properties(
        title=title
    ).save(str(out / "quantiles.html"))


def _inline(table: pl.DataFrame) -> dict[str, object]:
    return {"values": _records(table)}


def _records(table: pl.DataFrame) -> Sequence[dict[str, object]]:
    chosen = ["measure", "universe", "horizon_d", "statistic", "quantile", "statistic_value"]
    chosen += [name for name in ("low", "high") if name in table.columns]
    records: list[dict[str, object]] = json.loads(table.select(chosen).write_json())
    return records
