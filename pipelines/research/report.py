"""What the bench found, for people: a page with its pictures, and tables in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.research.bench import Findings
from pipelines.research.page import heading, legend, page, picture, sentence, table
from pipelines.research.panel import ResearchPanel

Z_95 = 1.96
INTERVALS = {"spread_net_ret": "net", "spread_funded_ret": "funded"}
"""Spreads after costs, and what the ends of their intervals are called."""

FIFTHS = {
    "quantile_ret": "mean",
    "quantile_net_ret": "mean, net",
    "quantile_median_ret": "median",
}
"""What is said of each fifth, and how the pictures call it."""

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
    return _in_columns(rows, keys).sort("ic", descending=True, nulls_last=True)


def by_year(quality: pl.DataFrame, measure: str, horizon_d: int) -> pl.DataFrame:
    """What one measure was worth by universe and calendar year."""
    keys = ["universe", "period"]
    rows = quality.filter(
        (pl.col("measure") == measure)
        & (pl.col("horizon_d") == horizon_d)
        & (pl.col("quantile") == 0)
    )
    days = rows.filter(pl.col("statistic") == "ic").select(*keys, "day_count")
    return _in_columns(rows, keys).join(days, on=keys, how="left").sort(keys)


def _in_columns(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """A row for each key: values, the t-value of the IC and 95 % of the spreads after costs."""
    values = rows.pivot(on="statistic", index=keys, values="statistic_value")
    errors = rows.filter(pl.col("statistic").is_in(["ic", *INTERVALS])).pivot(
        on="statistic", index=keys, values=["t_stat", "standard_error"]
    )
    reported = values.join(errors, on=keys, how="left")
    wanted = ["ic", "spread_median_ret", "spread_ret", *INTERVALS, "turnover_frac", "t_stat_ic"]
    missing = [
        pl.lit(None, pl.Float64).alias(name)
        for name in (*wanted, *(f"standard_error_{name}" for name in INTERVALS))
        if name not in reported.columns
    ]
    found = reported.with_columns(missing).select(
        *keys,
        "ic",
        pl.col("t_stat_ic").alias("t"),
        "spread_median_ret",
        "spread_ret",
        *(part for name, label in INTERVALS.items() for part in _interval(name, label)),
        "turnover_frac",
    )
    # where nobody knows what longs paid there is nothing to say of it
    unknown = ["spread_funded_ret", "funded_low", "funded_high"]
    return found.drop(unknown) if found["spread_funded_ret"].is_null().all() else found


def _interval(name: str, label: str) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    margin = Z_95 * pl.col(f"standard_error_{name}")
    value = pl.col(name)
    return value, (value - margin).alias(f"{label}_low"), (value + margin).alias(f"{label}_high")


def conditioned(conditions: pl.DataFrame, horizon_d: int) -> pl.DataFrame:
    """What the grades were worth on the days of each condition, among all and the most traded."""
    return conditions.filter(
        (pl.col("horizon_d") == horizon_d) & pl.col("universe").is_in(PICTURED)
    ).drop("horizon_d")


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
        "conditions": findings.conditions,
    }
    for name, frame in tables.items():
        frame.write_parquet(out / f"{name}.parquet")
    drawn = pictures(findings)
    for name, drawing in drawn.items():
        (out / f"{name}.svg").write_text(drawing, encoding="utf-8")
    path = out / "report.html"
    path.write_text(html(findings, panel, drawn), encoding="utf-8")
    return path


def html(findings: Findings, panel: ResearchPanel, drawn: Mapping[str, str]) -> str:
    """The page: what can be concluded, pictures, and every table."""
    quality = findings.quality
    days = panel.grid.days
    parts = [
        sentence(f"{len(panel.grid.assets)} assets, {days[0]} to {days[-1]}."),
        sentence(
            "Returns begin at the close of the day after the measure's. Errors are Newey-West's."
        ),
    ]
    parts.append(sentence(funded(panel)))
    if findings.warning:
        parts.append(sentence(findings.warning))
    for name, drawing in drawn.items():
        parts += [heading(name.capitalize()), drawing]
    grades = quality.filter(pl.col("measure_kind") == "grade")["measure"].unique().sort()
    for horizon_d in horizons(findings):
        for universe in sorted(quality["universe"].unique()):
            title = heading(f"{horizon_d} days, {universe}")
            parts += [title, table(headline(quality, horizon_d, universe))]
        for grade in grades:
            title = heading(f"{grade} by year, {horizon_d} days")
            parts += [title, table(by_year(quality, grade, horizon_d))]
        title = heading(f"Grades by condition of the market, {horizon_d} days")
        parts += [title, table(conditioned(findings.conditions, horizon_d))]
    parts += [heading("Walk-forward"), table(findings.walk_forward)]
    made = findings.trials.select("trial", "horizon_d").n_unique()
    parts += [heading("Trials"), sentence(f"{made} trials.")]
    for (horizon_d, statistic), probability in findings.overfitting.items():
        reported = "cannot be known" if probability is None else f"{probability:.1%}"
        line = f"Probability of backtest overfitting by {statistic}, {horizon_d} days: {reported}"
        parts.append(sentence(line))
    return page(f"Research bench: {panel.name}", [*parts, table(findings.trials)])


def funded(panel: ResearchPanel) -> str:
    """Of whom it is known what longs paid shorts."""
    member = panel.universes["all"]
    share = (member & ~np.isnan(panel.funding)).sum() / max(int(member.sum()), 1)
    if not share:
        return "What funding cost is unknown: no rates are known."
    return f"Funding is known on {share:.0%} of the members' days."


def shown(findings: Findings) -> list[str]:
    """The measures that have pictures: grades and what walk-forward chose, else the best ones."""
    chosen = findings.walk_forward["chosen"].to_list()
    is_wanted = (pl.col("measure_kind") == "grade") | pl.col("measure").is_in(chosen)
    named = findings.quality.filter(is_wanted)["measure"].unique().sort().to_list()
    if named or findings.quality.is_empty():
        return named
    return headline(findings.quality, horizons(findings)[0])["measure"].head(BEST).to_list()


def pictures(findings: Findings) -> dict[str, str]:
    """Decay and fifths of the measures that are shown; nothing where nothing is known."""
    import altair as alt

    known = findings.quality.filter(
        (pl.col("period") == "all")
        & pl.col("measure").is_in(shown(findings))
        & pl.col("universe").is_in(PICTURED)
        & pl.col("statistic_value").is_not_null()
    )
    if known.is_empty():
        return {}
    horizon_d = horizons(findings)[0]
    margin = Z_95 * pl.col("standard_error")
    decay = known.filter(pl.col("statistic") == "ic").with_columns(
        (pl.col("statistic_value") - margin).alias("low"),
        (pl.col("statistic_value") + margin).alias("high"),
    )
    fifths = known.filter(
        pl.col("statistic").is_in(list(FIFTHS)) & (pl.col("horizon_d") == horizon_d)
    ).with_columns(pl.col("statistic").replace(FIFTHS))
    days = alt.X("horizon_d:O", title="days ahead", axis=alt.Axis(labelAngle=0))
    colour = alt.Color("measure:N", title=None, legend=legend())
    low = alt.Y("low:Q", title="rank IC, 95 %")
    band = alt.Chart().mark_area(opacity=0.2).encode(x=days, y=low, y2="high:Q", color=colour)
    line = (
        alt.Chart()
        .mark_line(point=True)
        .encode(x=days, y=alt.Y("statistic_value:Q", title="rank IC, 95 %"), color=colour)
    )
    named = list(FIFTHS.values())
    bars = (
        alt.Chart()
        .mark_bar()
        .encode(
            x=alt.X("quantile:O", title="fifth, 5 is best", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("statistic_value:Q", title=f"return, {horizon_d} days"),
            color=alt.Color("statistic:N", title=None, legend=legend(), sort=named),
            xOffset=alt.XOffset("statistic:N", sort=named),
        )
        .properties(width=WIDTH, height=140)
    )
    columns = alt.Column("universe:N", title=None, sort=list(PICTURED))
    return {
        "decay": picture(
            alt.layer(band, line, data=_inline(decay))
            .properties(width=WIDTH, height=240)
            .facet(column=columns)
        ),
        "fifths": picture(
            bars.properties(data=_inline(fifths)).facet(
                row=alt.Row("measure:N", title=None), column=columns
            )
        ),
    }


def _inline(frame: pl.DataFrame) -> dict[str, object]:
    wanted = ("measure", "universe", "horizon_d", "statistic", "quantile", "statistic_value")
    named = [name for name in (*wanted, "low", "high") if name in frame.columns]
    return {"values": frame.select(named).to_dicts()}
