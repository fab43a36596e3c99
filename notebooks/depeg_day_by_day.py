import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="A depeg, day by day")

with app.setup:
    from datetime import timedelta

    import altair as alt
    import marimo as mo
    import polars as pl

    from notebooks.publication import choices, current, say, stop, table
    from pipelines.site.palette import LIGHT


@app.cell
def _():
    mo.md("""
    # A depeg, day by day

    `depeg_event` says how an event is known now; `depeg_event_log` says what was known of it on each
    day. Between the first day off the peg and the day on which the rule saw it lies what a reader could
    not have acted on.
    """)
    return


@app.cell
def _():
    published = current("stablecoin_peg_daily")
    if published.lacking(["depeg_event", "depeg_event_log"]):
        calmest = published.ask(
            """
            select count(distinct stablecoin_id), count(dev_bps), max(abs(dev_bps))
            from marts.stablecoin_peg_daily
            """
        ).row(0)
        stop(
            f"""
            **No depeg**: this publication knows of none. The pegs of {calmest[0]} stablecoins were
            measured on {calmest[1]:,} coin-days; the widest close was
            {f"{calmest[2]:,.0f} bps away" if calmest[2] is not None else "not measured"}.
            """
        )
    events = published.ask(
        """
        select
            event_id, stablecoin_id, event_state, start_day, detected_day, detection_rule,
            worst_bps, worst_low_bps, last_day_off, closed_day, severity,
            coalesce(symbol, stablecoin_id) || ' ' || start_day || ', ' || severity as label
        from marts.depeg_event
        order by abs(worst_bps) desc, event_id
        """
    )
    offered = choices(events, "label", "event_id")
    # the worst first
    event = mo.ui.dropdown(offered, value=next(iter(offered)), label="event")
    around = mo.ui.slider(3, 60, value=14, label="days before and after", show_value=True)
    mo.hstack([event, around], justify="start")
    return around, event, events, published


@app.cell
def _(event, events, published):
    chosen = events.row(by_predicate=pl.col("event_id") == event.value, named=True)
    log = published.ask(
        """
        select
            known_from_day, known_at, change, worst_bps, worst_low_bps, last_day_off, closed_day,
            severity
        from marts.depeg_event_log
        where event_id = ?
        order by known_from_day
        """,
        event.value,
    )
    delay = (chosen["detected_day"] - chosen["start_day"]).days
    ends = {
        "open": f"it was still off on {chosen['last_day_off']}, the last day that is known",
        "closed": f"it was last off on {chosen['last_day_off']}, and closed on {chosen['closed_day']}",
        "dead": f"the coin is dead; its last day off was {chosen['last_day_off']}",
    }
    say(
        f"""
        ## {event.selected_key}

        Off its peg from **{chosen["start_day"]}**; seen by the {chosen["detection_rule"]} rule on
        **{chosen["detected_day"]}**, {f"{delay} days later" if delay else "the same day"}, and known on
        {log["known_at"].min():%Y-%m-%d %H:%M} UTC. The worst close was
        **{chosen["worst_bps"]:,.0f} bps**; {ends[chosen["event_state"]]}.
        """
    )
    return chosen, log


@app.cell
def _(around, chosen, published):
    # a coin that died has no days after; the window ends with what there is
    days = published.ask(
        """
        select
            peg.day, peg.price_usd, peg.dev_bps, peg.dev_low_bps, peg.dev_any_low_bps,
            peg.volume_usd, peg.price_quality, peg.evidence, peg.reading_count
        from marts.stablecoin_peg_daily as peg
        where peg.stablecoin_id = ? and peg.day between ? and ?
        order by peg.day
        """,
        chosen["stablecoin_id"],
        chosen["start_day"] - timedelta(days=around.value),
        chosen["last_day_off"] + timedelta(days=around.value),
    )
    marks = pl.DataFrame(
        [
            {"day": chosen[column], "what": what}
            for column, what in (
                ("start_day", "off"),
                ("detected_day", "detected"),
                ("closed_day", "closed"),
            )
            if chosen[column] is not None
        ]
    )
    lines = days.unpivot(
        ["dev_bps", "dev_low_bps", "dev_any_low_bps"], index="day", variable_name="measure"
    ).with_columns(
        pl.col("measure").replace_strict(
            {
                "dev_bps": "close",
                "dev_low_bps": "low",
                "dev_any_low_bps": "lowest of any venue",
            }
        )
    )
    # the close last: it is drawn over the others
    drawn = {
        "lowest of any venue": LIGHT["grey"],
        "low": LIGHT["teal"],
        "close": LIGHT["blue"],
    }
    pegs = alt.layer(
        *(
            alt.Chart(lines.filter(pl.col("measure") == measure).drop_nulls("value"))
            .mark_line(point=measure == "close", strokeWidth=2 if measure == "close" else 1)
            .encode(
                x=alt.X("day:T", title=None),
                y=alt.Y("value:Q", title="distance from the peg, bps"),
                color=alt.Color("measure:N", title=None).scale(
                    domain=list(drawn), range=list(drawn.values())
                ),
                tooltip=["day:T", "measure:N", alt.Tooltip("value:Q", format=",.1f")],
            )
            for measure in drawn
        )
    )
    rules = (
        alt.Chart(marks)
        .mark_rule(strokeDash=[4, 3], color=LIGHT["orange"])
        .encode(x="day:T", tooltip=["day:T", "what:N"])
    )
    said = (
        alt.Chart(marks)
        .mark_text(align="left", dx=4, dy=-2, baseline="top", color=LIGHT["orange"])
        .encode(
            x=alt.X("day:T", axis=None),
            # names of the same day would lie on each other
            y=alt.Y("what:N", axis=None, sort=["off", "detected", "closed"]),
            text="what:N",
        )
    )
    alt.vconcat(
        said.properties(width=620, height=42),
        alt.layer(pegs, rules).properties(width=620, height=260),
        spacing=0,
    ).resolve_scale(x="shared").configure_view(stroke=None)
    return (days,)


@app.cell
def _(chosen, published):
    if published.lacking(["stablecoin_supply_daily"]):
        stop("The supply is not in this publication: who left cannot be said.")
    supply = published.ask(
        """
        select day, supply_par_usd, net_mint_1d_usd
        from marts.stablecoin_supply_daily
        where stablecoin_id = ? and day between ? and ?
        order by day
        """,
        chosen["stablecoin_id"],
        chosen["start_day"] - timedelta(days=1),
        chosen["closed_day"] or chosen["last_day_off"],
    )
    measured = supply.drop_nulls("supply_par_usd")
    if measured.height < 2:
        stop("The supply of these days is not known: who left cannot be said.")
    before_usd, after_usd = measured["supply_par_usd"][0], measured["supply_par_usd"][-1]
    left_frac = 1 - after_usd / before_usd
    say(
        f"""
        ## Who left

        At par, supply went from {before_usd / 1e6:,.0f} to {after_usd / 1e6:,.0f} million dollars between
        {measured["day"][0]} and {measured["day"][-1]}:
        **{abs(left_frac):.1%} {"was redeemed" if left_frac >= 0 else "was minted on top"}**. Par is the
        promise and not the price; at par a fall is a redemption and not a loss of value.
        """
    )
    return left_frac, supply


@app.cell
def _(chosen, published, supply):
    if published.lacking(["stablecoin_chain_daily"]):
        stop("Chains are not in this publication.")
    chains = published.ask(
        """
        select
            chain,
            min_by(supply_par_usd, day) as before_usd,
            max_by(supply_par_usd, day) as after_usd,
            max_by(supply_par_usd, day) - min_by(supply_par_usd, day) as change_usd
        from marts.stablecoin_chain_daily
        where stablecoin_id = ? and day between ? and ? and supply_par_usd is not null
        group by chain
        order by change_usd, chain
        """,
        chosen["stablecoin_id"],
        supply["day"].min(),
        supply["day"].max(),
    )
    mo.vstack(
        [
            mo.md(
                "By chain, first day against last; a bridge moves supply and redeems none of it."
            ),
            table(
                chains,
                before_usd="{:,.0f}",
                after_usd="{:,.0f}",
                change_usd="{:+,.0f}",
            ),
        ]
    )
    return


@app.cell
def _(days, log):
    # of each day the newest line of the log that was known by its end
    knowledge = days.join_asof(
        log.select(
            "known_from_day", "change", known_worst_bps="worst_bps", known_severity="severity"
        ),
        left_on="day",
        right_on="known_from_day",
    ).with_columns(
        known=pl.when(pl.col("change").is_null())
        .then(pl.lit("nothing"))
        .when(pl.col("change") == "close")
        .then(pl.lit("closed"))
        .when(pl.col("change") == "dead")
        .then(pl.lit("dead"))
        .otherwise(pl.lit("open"))
    )
    mo.vstack(
        [
            mo.md("""
            ## What each day's end knew

            `known` and the two columns beside it are what the log said by then; the others are the
            measures of the day.
            """),
            table(
                knowledge.select(
                    "day",
                    "known",
                    "known_worst_bps",
                    "known_severity",
                    "dev_bps",
                    "dev_low_bps",
                    "volume_usd",
                    "price_quality",
                    "evidence",
                    "reading_count",
                ),
                rows=60,
                known_worst_bps="{:,.0f}",
                dev_bps="{:,.1f}",
                dev_low_bps="{:,.1f}",
                volume_usd="{:,.0f}",
            ),
        ]
    )
    return (knowledge,)


if __name__ == "__main__":
    app.run()
