import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="An event study")

with app.setup:
    import altair as alt
    import marimo as mo
    import polars as pl
    from scipy import stats

    from notebooks.publication import choices, current, say, stop, table
    from pipelines.site.palette import LIGHT

    # days of the estimate of the market model, and how many of them must be known
    ESTIMATE_D = 120
    ESTIMATE_MIN_OBS = 60
    # from fewer blocks no error can be estimated
    MIN_BLOCKS = 5


@app.cell
def _():
    mo.md(f"""
    # An event study

    What did prices do around a kind of alert, beyond what the market did? The abnormal return of a day is
    the asset's return less what a model of the market expects. Cumulative abnormal returns are set to 0 at
    the close of the event's day: an alert is known two hours after that close, so the way to the left is
    how it came about, and nothing on it could be had.

    Alpha and beta are estimated on the {ESTIMATE_D} days before the window, at least
    {ESTIMATE_MIN_OBS} of them known, against `market_ret_1d`, which is weighted by yesterday's caps. The
    alpha of so few days is mostly noise, and subtracts yesterday's trend from tomorrow: it is left out unless
    it is asked for.
    """)
    return


@app.cell
def _():
    published = current("alert", "returns_risk_daily", "market_regime_daily")
    kinds = published.ask(
        """
        select
            kind || coalesce(', ' || direction, '') as label,
            kind || '|' || coalesce(direction, '') as value,
            count(*) as event_count
        from marts.alert
        where entity_kind = 'asset'
        group by kind, direction
        order by event_count desc, label
        """
    )
    if kinds.is_empty():
        stop("**No events**: this publication has no alert of an asset.")
    offered = choices(kinds, "label", "value")
    # the most frequent first
    kind = mo.ui.dropdown(offered, value=next(iter(offered)), label="event")
    model = mo.ui.dropdown(
        {
            "beta to the market": "beta",
            "market model (alpha, beta)": "model",
            "the market's return": "adjusted",
        },
        value="beta to the market",
        label="expected return",
    )
    before = mo.ui.slider(3, 30, value=10, label="days before", show_value=True)
    after = mo.ui.slider(3, 60, value=20, label="days after", show_value=True)
    mo.vstack([mo.hstack(pair, justify="start") for pair in ([kind, model], [before, after])])
    return after, before, kind, model, published


@app.cell
def _(after, before, kind, model, published):
    chosen_kind, direction = kind.value.split("|")
    returns = published.ask(
        """
        with event as (
            select distinct entity_id as asset_id, day as event_day
            from marts.alert
            where entity_kind = 'asset' and kind = $1 and coalesce(direction, '') = $2
        ),

        seen as (
            select
                event.asset_id,
                event.event_day,
                date_diff('day', event.event_day, asset.day) as tau,
                asset.ret_1d,
                market.market_ret_1d
            from event
            inner join marts.returns_risk_daily as asset
                on
                    event.asset_id = asset.asset_id
                    and asset.day between event.event_day - ($3 + $5) and event.event_day + $4
            inner join marts.market_regime_daily as market on asset.day = market.day
            where asset.ret_1d is not null and market.market_ret_1d is not null
        ),

        estimate as (
            select
                asset_id,
                event_day,
                regr_intercept(ret_1d, market_ret_1d) as alpha,
                regr_slope(ret_1d, market_ret_1d) as beta
            from seen
            where tau < -$3
            group by asset_id, event_day
            having count(*) >= $6
        )

        select
            event.asset_id,
            event.event_day,
            estimate.alpha,
            estimate.beta,
            seen.tau,
            seen.ret_1d - case $7
                when 'adjusted' then seen.market_ret_1d
                when 'beta' then estimate.beta * seen.market_ret_1d
                else estimate.alpha + estimate.beta * seen.market_ret_1d
            end as abnormal
        from event
        left join estimate using (asset_id, event_day)
        left join seen
            on
                event.asset_id = seen.asset_id
                and event.event_day = seen.event_day
                and seen.tau >= -$3
        order by event.event_day, event.asset_id, seen.tau
        """,
        chosen_kind,
        direction,
        before.value,
        after.value,
        ESTIMATE_D,
        ESTIMATE_MIN_OBS,
        model.value,
    )
    newest = published.ask("select max(day) from marts.market_regime_daily").item()
    length = before.value + 1 + after.value
    # each event with the days that it has
    events = (
        returns.group_by("asset_id", "event_day")
        .agg(known_days=pl.col("abnormal").count())
        .with_columns(
            fate=pl.when(pl.col("known_days") == length)
            .then(pl.lit("whole"))
            .when(pl.col("event_day").dt.offset_by(f"{after.value}d") > newest)
            .then(pl.lit("too recent"))
            .when(pl.col("known_days") == 0)
            .then(pl.lit("no estimate"))
            .otherwise(pl.lit("days missing"))
        )
        .sort("event_day", "asset_id")
    )
    whole = events.filter(pl.col("fate") == "whole")
    fates = dict(events["fate"].value_counts().sort("fate").iter_rows())
    left_out = {fate: count for fate, count in fates.items() if fate != "whole"}
    if whole.is_empty():
        stop(
            f"""
            **Nothing to average**: of {len(events):,} events none has all days of its window and an
            estimate ({", ".join(f"{count:,} {fate}" for fate, count in left_out.items())}).
            """
        )
    say(
        f"""
        ## {kind.selected_key}: {len(whole):,} of {len(events):,} events

        Left out: {", ".join(f"{count:,} {fate}" for fate, count in left_out.items()) or "none"}.
        An asset that stops trading within the window is among *days missing*: what it cost to hold it is
        not in the mean, which leans to survivors.
        """
    )
    return events, fates, length, newest, returns, whole


@app.cell
def _(length, returns, whole):
    # events of the same days share their surprises, and windows that overlap share days: an event is no
    # observation of its own, a block of calendar time as long as the window is
    paths = (
        returns.join(whole.select("asset_id", "event_day"), on=["asset_id", "event_day"])
        .sort("asset_id", "event_day", "tau")
        .with_columns(
            car=pl.col("abnormal").cum_sum().over("asset_id", "event_day"),
            block=pl.col("event_day").cast(pl.Int32) // length,
        )
        .with_columns(
            car=pl.col("car")
            - pl.col("car").filter(pl.col("tau") == 0).first().over("asset_id", "event_day")
        )
    )
    event_count, block_count = len(whole), paths["block"].n_unique()
    by_block = (
        paths.with_columns(apart=pl.col("car") - pl.col("car").mean().over("tau"))
        .group_by("tau", "block")
        .agg(pl.col("apart").sum())
    )
    spread = by_block.group_by("tau").agg(
        standard_error=(
            (pl.col("apart") ** 2).sum() / event_count**2 * block_count / max(block_count - 1, 1)
        ).sqrt()
    )
    can_err = block_count >= MIN_BLOCKS
    quantile = float(stats.t.ppf(0.975, block_count - 1)) if can_err else None
    curve = (
        paths.group_by("tau")
        .agg(
            mean=pl.col("car").mean(),
            median=pl.col("car").median(),
            positive_frac=(pl.col("car") > 0).mean(),
            event_count=pl.len(),
        )
        .join(spread, on="tau")
        .sort("tau")
        .with_columns(
            standard_error=pl.when(pl.lit(can_err)).then(pl.col("standard_error")),
            low=pl.col("mean") - pl.col("standard_error") * pl.lit(quantile, dtype=pl.Float64),
            high=pl.col("mean") + pl.col("standard_error") * pl.lit(quantile, dtype=pl.Float64),
        )
        .with_columns(
            t_stat=pl.when(pl.col("standard_error") > 0).then(
                pl.col("mean") / pl.col("standard_error")
            )
        )
    )
    return block_count, can_err, curve, event_count, paths, quantile


@app.cell
def _(block_count, can_err, curve, event_count):
    base = alt.Chart(curve).encode(
        x=alt.X("tau:Q", title="days from the event").axis(tickMinStep=1)
    )
    band = base.mark_area(opacity=0.2, color=LIGHT["blue"]).encode(
        y=alt.Y("low:Q", title="mean cumulative abnormal return").axis(format="+.1%"), y2="high:Q"
    )
    line = base.mark_line(point=True, color=LIGHT["blue"]).encode(
        y="mean:Q",
        tooltip=[
            "tau:Q",
            alt.Tooltip("mean:Q", format="+.2%"),
            alt.Tooltip("low:Q", format="+.2%"),
            alt.Tooltip("high:Q", format="+.2%"),
            alt.Tooltip("median:Q", format="+.2%"),
        ],
    )
    known = (
        alt.Chart(pl.DataFrame({"tau": [0]}))
        .mark_rule(strokeDash=[4, 3], color=LIGHT["orange"])
        .encode(x="tau:Q")
    )
    end = curve.row(-1, named=True)
    verdict = (
        f"**{end['mean']:+.2%}** by day {end['tau']}, 95 % between {end['low']:+.2%} and "
        f"{end['high']:+.2%}; the median event {end['median']:+.2%}, "
        f"{end['positive_frac']:.0%} above zero. "
        f"{'Zero is within the band.' if end['low'] <= 0 <= end['high'] else 'Zero is outside.'}"
        if can_err
        else f"**{end['mean']:+.2%}** by day {end['tau']}. There are {block_count} blocks of time, "
        f"fewer than {MIN_BLOCKS}: no band can be given."
    )
    mo.vstack(
        [
            say(
                f"""
                ## After the event

                {verdict} {event_count:,} events in {block_count} blocks of calendar time.
                """
            ),
            (band + line + known).properties(width=620, height=300)
            if can_err
            else (line + known).properties(width=620, height=300),
            mo.md(
                """
                The band is clustered by blocks of calendar time as long as the window: alerts come in
                swarms, and to count each as an observation of its own would make it too narrow. It is for one kind of event looked at once. Of twenty that mean nothing, one lies
                outside.
                """
            ),
        ]
    )
    return end, verdict


@app.cell
def _(after, curve):
    steps = sorted({1, 3, 5, 10, after.value} & set(curve["tau"]))
    table(
        curve.filter(pl.col("tau").is_in(steps)).drop("event_count"),
        mean="{:+.2%}",
        median="{:+.2%}",
        low="{:+.2%}",
        high="{:+.2%}",
        standard_error="{:.2%}",
        positive_frac="{:.0%}",
        t_stat="{:+.1f}",
    )
    return


@app.cell
def _(after, paths):
    ends = paths.filter(pl.col("tau") == after.value)
    middle = ends.filter(
        pl.col("car").is_between(pl.col("car").quantile(0.01), pl.col("car").quantile(0.99))
    )
    mo.vstack(
        [
            mo.md(
                f"""
                Each event's own outcome, {after.value} days on, without the most extreme hundredth on
                either side; they reach from {ends["car"].min():+.0%} to {ends["car"].max():+.0%}. A
                cumulative abnormal return is a sum of days and no return of holding: ten days of -50 % sum
                to -500 %.
                """
            ),
            alt.Chart(middle)
            .transform_bin("bin", field="car", bin=alt.Bin(maxbins=50))
            .transform_aggregate(events="count()", groupby=["bin", "bin_end"])
            .mark_bar(color=LIGHT["blue"])
            .encode(
                x=alt.X("bin:Q", title="cumulative abnormal return")
                .bin("binned")
                .axis(format="+.0%"),
                x2="bin_end:Q",
                y=alt.Y("events:Q", title="events"),
            )
            .properties(width=620, height=160),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
