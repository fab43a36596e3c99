import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="A grade taken apart")

with app.setup:
    import math
    from datetime import timedelta

    import altair as alt
    import marimo as mo
    import polars as pl

    from notebooks.publication import choices, current, say, stop, table
    from pipelines.site.palette import LIGHT

    # where each grade is published
    GRADES = {
        "trader_grade": "trader_grade_daily",
        "investor_grade": "investor_grade_daily",
        "trend_score": "trader_grade_daily",
    }


@app.cell
def _():
    mo.md("""
    # A grade taken apart

    A grade is a weighted mean of ranks, from 0 to 100. `grade_components` has each factor: what was
    measured, its rank among the members of the universe (`xs_pctile`) and within the asset's own past
    (`ts_pctile`), the score that follows, its weight, and what weight times score contributes. The
    contributions sum to the grade. Here they are added up.
    """)
    return


@app.cell
def _():
    published = current("grade_components")
    gradings = [
        grade
        for grade, mart in GRADES.items()
        if not published.lacking([mart])
        and published.ask(f"select 1 from marts.{mart} where {grade} is not null limit 1").height
    ]
    if not gradings:
        stop("**Nothing to show**: this publication has factors, and no asset has a grade.")
    grade = mo.ui.dropdown(gradings, value=gradings[0], label="grade")
    return grade, published


@app.cell
def _(grade, published):
    graded = f"from marts.{GRADES[grade.value]} where {grade.value} is not null"
    first, newest = published.ask(f"select min(day), max(day) {graded}").row(0)
    day = mo.ui.date(start=first, stop=newest, value=newest, label="day")
    mo.hstack([grade, day], justify="start")
    return day, graded


@app.cell
def _(day, grade, graded, published):
    ranking = published.ask(
        f"""
        select asset_id, coalesce(symbol, asset_id) as symbol, {grade.value} as published_grade
        {graded} and day = ?
        order by published_grade desc, asset_id
        """,
        day.value,
    )
    if ranking.is_empty():
        stop(f"Nobody has a `{grade.value}` on {day.value}.")
    offered = choices(ranking, "symbol", "asset_id")
    asset = mo.ui.dropdown(
        offered, value=next(iter(offered)), label="asset, the best first", searchable=True
    )
    asset
    return asset, ranking


@app.cell
def _(asset, day, grade, published, ranking):
    parts = published.ask(
        """
        select
            factor, factor_group, factor_value, xs_pctile, ts_pctile, score, weight_frac,
            contribution, no_share_reason
        from marts.grade_components
        where asset_id = ? and day = ? and grade = ?
        order by contribution desc nulls last, factor
        """,
        asset.value,
        day.value,
        grade.value,
    )
    published_grade = ranking.filter(pl.col("asset_id") == asset.value)["published_grade"].item()
    shares = parts.drop_nulls("contribution")
    summed = math.fsum(shares["contribution"])
    total_weight = math.fsum(shares["weight_frac"])
    difference = summed - published_grade
    # a double keeps 15 decimal digits; the order in which a sum was rounded shows in the 16th
    adds_up = math.isclose(summed, published_grade, rel_tol=1e-12)
    say(
        f"""
        ## {asset.selected_key}: {published_grade:.2f}

        | | |
        |:---|---:|
        | published `{grade.value}` | {published_grade:.12f} |
        | sum of {len(shares)} contributions | {summed:.12f} |
        | difference | {difference:.1e} |
        | sum of weights | {total_weight:.12f} |

        **The parts are {"" if adds_up else "not "}the grade.**
        """
    )
    return adds_up, difference, parts, published_grade, shares, summed


@app.cell
def _(published_grade, shares):
    # weights sum to 1, so distances from the middle sum to the grade's own
    pulls = shares.with_columns(pull=pl.col("weight_frac") * (pl.col("score") - 50))
    mo.vstack(
        [
            mo.md(
                f"""
                ## What pulls, and where to

                50 is the middle of the market. Each factor pulls by its weight times its distance from
                it; together they pull by {published_grade - 50:+.2f}.
                """
            ),
            alt.Chart(pulls)
            .mark_bar()
            .encode(
                x=alt.X("pull:Q", title="points above or below 50"),
                y=alt.Y("factor:N", title=None, sort="-x").axis(labelLimit=240),
                color=alt.condition(
                    alt.datum.pull >= 0, alt.value(LIGHT["blue"]), alt.value(LIGHT["orange"])
                ),
                tooltip=[
                    "factor:N",
                    "factor_group:N",
                    alt.Tooltip("factor_value:Q", format=".4~r"),
                    alt.Tooltip("score:Q", format=".1f"),
                    alt.Tooltip("weight_frac:Q", format=".1%"),
                    alt.Tooltip("pull:Q", format="+.2f"),
                ],
            )
            .properties(width=560, height=alt.Step(24)),
        ]
    )
    return (pulls,)


@app.cell
def _(parts):
    table(
        parts,
        factor_value="{:.4g}",
        xs_pctile="{:.1f}",
        ts_pctile="{:.1f}",
        score="{:.1f}",
        weight_frac="{:.4f}",
        contribution="{:.3f}",
    )
    return


@app.cell
def _(parts):
    without = parts.filter(pl.col("no_share_reason").is_not_null())
    reasons = (
        without.group_by("no_share_reason").agg(pl.col("factor").sort()).sort("no_share_reason")
    )
    say(
        "Every factor has a share."
        if without.is_empty()
        else "**No share**, and why: "
        + "; ".join(f"{reason}: {', '.join(names)}" for reason, names in reasons.iter_rows())
        + ". The weights of the others are scaled up to 1."
    )
    return


@app.cell
def _(asset, day, grade, published, shares):
    # the difference of two sums is the sum of the differences, where the same factors count
    before = published.ask(
        """
        select factor, contribution as contribution_before
        from marts.grade_components
        where asset_id = ? and day = ? and grade = ? and contribution is not null
        """,
        asset.value,
        day.value - timedelta(days=7),
        grade.value,
    )
    moved = (
        shares.select("factor", "contribution")
        .join(before, on="factor", how="full", coalesce=True)
        .with_columns(
            change=pl.col("contribution").fill_null(0) - pl.col("contribution_before").fill_null(0)
        )
        .sort(pl.col("change").abs(), descending=True)
    )
    if before.is_empty():
        stop("Seven days before there was no grade to compare with.")
    joined_or_left = moved.filter(
        pl.col("contribution").is_null() | pl.col("contribution_before").is_null()
    )
    caveat = (
        f" {', '.join(joined_or_left['factor'])} counted on one of the two days only, so a part of the "
        "change is another composition and no news."
        if len(joined_or_left)
        else ""
    )
    mo.vstack(
        [
            say(
                f"""
                ## Since a week before

                The grade moved by **{moved["change"].sum():+.2f}**, most of it by
                {moved["factor"][0]} ({moved["change"][0]:+.2f}).{caveat}
                """
            ),
            table(moved, contribution="{:.3f}", contribution_before="{:.3f}", change="{:+.3f}"),
        ]
    )
    return


@app.cell
def _(day, grade, published):
    if published.lacking(["grade_evidence_daily"]):
        stop(
            "This publication has no `grade_evidence_daily`: what the grade was worth is not known."
        )
    evidence = published.ask(
        """
        select day, evidence, ic_recent_mean, ic_recent_t_stat
        from marts.grade_evidence_daily
        where grade = ? and day = ?
        """,
        grade.value,
        day.value,
    )
    if evidence.is_empty() or evidence["ic_recent_mean"].item() is None:
        stop(f"What `{grade.value}` was worth was not measurable by {day.value}.")
    say(
        f"""
        ## What it was worth by then

        Rank correlation with the returns that followed, over the recent window:
        **{evidence["ic_recent_mean"].item():+.3f}** (t = {evidence["ic_recent_t_stat"].item():.1f}).
        The publication calls this evidence
        *{evidence["evidence"].item()}*. A grade that adds up is not yet a grade that is right.
        """
    )
    return


if __name__ == "__main__":
    app.run()
