"""What the bench found, for people: a page with its pictures, and tables in a folder."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipelines.research.bench import Findings
from pipelines.research.page import heading, legend, page, picture, sentence, table
from pipelines.research.panel import ResearchPanel

Z_95 = 1.96
BEST = 5
PICTURED = ("all", "top_50", "top_20")
WIDTH = 260


def horizons(findings: Findings) -> list[int]:
    """The days ahead that trials were made over, the fewest first; else the fewest judged."""
    return findings.trials["horizon_d"].unique().sort().to_list() or (
        findings.quality["horizon_d"].unique().sort().head(1).to_list()
    )


def headline(quality: pl.DataFrame, horizon_d: int, universe: str = "all") -> pl.DataFrame:
    """One row per measure: what it was worth, with its uncertainty.

    Args:
        quality: ``Findings.quality``.
        horizon_d: days ahead.
        universe: whom it was asked about.
    """
    rows = quality.filter(
        (pl.col("universe") == universe)
        & (pl.col("period") == "all")
        & (pl.col("horizon_d") == horizon_d)
        & (pl.col("quantile") == 0)
    )
    keys = ["measure_kind", "measure"]
    values = rows.pivot(on="statistic", index=keys, values="statistic_value")
    errors = rows.filter(pl.col("statistic").is_in(["ic", "spread_net_ret"])).pivot(
        on="statistic", index=keys, values=["t_stat", "standard_error"]
    )
    wanted = ["ic", "spread_median_ret", "spread_ret", "spread_net_ret", "turnover_frac"]
    reported = values.join(errors, on=keys, how="left")
    missing = [
        pl.lit(None, pl.Float64).alias(name)
        for name in (*wanted, "t_stat_ic", "standard_error_spread_net_ret")
        if name not in reported.columns
    ]
    margin = Z_95 * pl.col("standard_error_spread_net_ret")
    return (
        reported.with_columns(missing)
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


def by_year(quality: pl.DataFrame, measure: str, horizon_d: int) -> pl.DataFrame:
    """What one measure was worth by universe and calendar year."""
    rows = quality.filter(
        (pl.col("measure") == measure)
        & (pl.col("horizon_d") == horizon_d)
        & pl.col("statistic").is_in(["ic", "spread_median_ret", "spread_ret", "spread_net_ret"])
    )
    keys = ["universe", "period"]
    values = rows.pivot(on="statistic", index=keys, values="statistic_value")
    ic = rows.filter(pl.col("statistic") == "ic").select(
        *keys, pl.col("t_stat").alias("t"), "day_count"
    )
    return values.join(ic, on=keys, how="left").sort(keys)


def write(findings: Findings, panel: ResearchPanel, out: Path) -> Path:
    """Write the tables and the page.

    Args:
        findings: what was found.
        panel: where.
        out: the folder; what the bench wrote there before is replaced.

    Returns:
        The page, ``report.html``.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables = {
        "quality": findings.quality,
        "correlation": findings.correlation,
        "trials": findings.trials,
        "walk_forward": findings.walk_forward,
    }
    for name, frame in tables.items():
        frame.write_parquet(out / f"{name}.parquet")
    path = out / "report.html"
    path.write_text(html(findings, panel), encoding="utf-8")
    return path


def html(findings: Findings, panel: ResearchPanel) -> str:
    """The page: what can be concluded, pictures, and every table."""
    quality = findings.quality
    days = panel.grid.days
    parts = [
        sentence(f"{len(panel.grid.assets)} assets, {days[0]} to {days[-1]}."),
        sentence(
            "Returns begin at the close of the day after the measure's. Errors are Newey-West's."
        ),
    ]
    if findings.warning:
        parts.append(sentence(findings.warning))
    parts += pictures(findings)
    grades = quality.filter(pl.col("measure_kind") == "grade")["measure"].unique().sort()
    for horizon_d in horizons(findings):
        for universe in sorted(quality["universe"].unique()):
            title = heading(f"{horizon_d} days, {universe}")
            parts += [title, table(headline(quality, horizon_d, universe))]
        for grade in grades:
            title = heading(f"{grade} by year, {horizon_d} days")
            parts += [title, table(by_year(quality, grade, horizon_d))]
    parts += [heading("Walk-forward"), table(findings.walk_forward)]
    made = findings.trials.select("trial", "horizon_d").n_unique()
    parts += [heading("Trials"), sentence(f"{made} trials.")]
    for (horizon_d, statistic), probability in findings.overfitting.items():
        reported = "cannot be known" if probability is None else f"{probability:.1%}"
        line = f"Probability of backtest overfitting by {statistic}, {horizon_d} days: {reported}"
        parts.append(sentence(line))
    return page(f"Research bench: {panel.name}", [*parts, table(findings.trials)])


def shown(findings: Findings) -> list[str]:
    """The measures that have pictures: grades and what walk-forward chose, else the best ones."""
    chosen = findings.walk_forward["chosen"].to_list()
    is_wanted = (pl.col("measure_kind") == "grade") | pl.col("measure").is_in(chosen)
    named = findings.quality.filter(is_wanted)["measure"].unique().sort().to_list()
    if named or findings.quality.is_empty():
        return named
    return headline(findings.quality, horizons(findings)[0])["measure"].head(BEST).to_list()


def pictures(findings: Findings) -> list[str]:
    """Decay and fifths of the measures that are shown; nothing where nothing is known."""
    import altair as alt

    known = findings.quality.filter(
        (pl.col("period") == "all")
        & pl.col("measure").is_in(shown(findings))
        & pl.col("universe").is_in(PICTURED)
        & pl.col("statistic_value").is_not_null()
    )
    if known.is_empty():
        return []
    horizon_d = horizons(findings)[0]
    margin = Z_95 * pl.col("standard_error")
    decay = known.filter(pl.col("statistic") == "ic").with_columns(
        (pl.col("statistic_value") - margin).alias("low"),
        (pl.col("statistic_value") + margin).alias("high"),
    )
    fifths = known.filter(
        pl.col("statistic").is_in(["quantile_ret", "quantile_median_ret"])
        & (pl.col("horizon_d") == horizon_d)
    ).with_columns(
        pl.col("statistic").replace({"quantile_ret": "mean", "quantile_median_ret": "median"})
    )
    days = alt.X("horizon_d:O", title="days ahead", axis=alt.Axis(labelAngle=0))
    colour = alt.Color("measure:N", title=None, legend=legend())
    low = alt.Y("low:Q", title="rank IC, 95 %")
    band = alt.Chart().mark_area(opacity=0.2).encode(x=days, y=low, y2="high:Q", color=colour)
    line = (
        alt.Chart()
        .mark_line(point=True)
        .encode(x=days, y=alt.Y("statistic_value:Q", title="rank IC, 95 %"), color=colour)
    )
    bars = (
        alt.Chart()
        .mark_bar()
        .encode(
            x=alt.X("quantile:O", title="fifth, 5 is best", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("statistic_value:Q", title=f"return, {horizon_d} days"),
            color=alt.Color("statistic:N", title=None, legend=legend()),
            xOffset="statistic:N",
        )
        .properties(width=WIDTH, height=140)
    )
    columns = alt.Column("universe:N", title=None, sort=list(PICTURED))
    return [
        heading("Decay"),
        picture(
            alt.layer(band, line, data=_inline(decay))
            .properties(width=WIDTH, height=240)
            .facet(column=columns)
        ),
        heading("Fifths"),
        picture(
            bars.properties(data=_inline(fifths)).facet(
                row=alt.Row("measure:N", title=None), column=columns
            )
        ),
    ]


def _inline(frame: pl.DataFrame) -> dict[str, object]:
    wanted = ("measure", "universe", "horizon_d", "statistic", "quantile", "statistic_value")
    named = [name for name in (*wanted, "low", "high") if name in frame.columns]
    return {"values": frame.select(named).to_dicts()}
