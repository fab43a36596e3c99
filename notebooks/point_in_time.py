import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="What was known then")

with app.setup:
    from datetime import datetime, time, timedelta

    import marimo as mo
    import polars as pl

    from notebooks.publication import current, say, stop, table
    from pipelines import publishing
    from pipelines.core.settings import get_settings


@app.cell
def _():
    mo.md("""
    # What was known then

    A backtest that uses what came to be known later is worth nothing. This page takes a day and puts
    what its end knew beside what is known now. A row of a day may be decided upon two hours after the
    day's end; that instant is the line drawn here.
    """)
    return


@app.cell
def _():
    published = current("price_daily")
    first, newest = published.ask("select min(day), max(day) from marts.price_daily").row(0)
    # the worst depeg, a day in; else the middle of what there is
    worst = (
        None
        if published.lacking(["depeg_event"])
        else published.ask(
            "select max_by(detected_day, abs(worst_bps)) from marts.depeg_event"
        ).item()
    )
    middle = first + (newest - first) / 2
    asked_day = min(max(first, worst + timedelta(days=1)), newest) if worst else middle
    day = mo.ui.date(start=first, stop=newest, value=asked_day, label="day")
    day
    return day, newest, published


@app.cell
def _(day, published):
    known_by = datetime.combine(day.value, time()) + timedelta(days=1, hours=2)
    bases = dict(
        published.ask(
            """
            select coalesce(pit_basis, 'no price') as basis, count(*)
            from marts.price_daily
            where day = ?
            group by basis
            order by basis
            """,
            day.value,
        ).iter_rows()
    )
    say(
        f"""
        ## The end of {day.value}: {known_by:%Y-%m-%d %H:%M} UTC

        Of {sum(bases.values())} rows of prices of that day {bases.get("captured", 0)} are `captured`: they
        were known within a week. {bases.get("assumed", 0)} are `assumed`: they were loaded later, and that
        a market's history says the same today as it did then is an assumption. Decisions that must stand
        up rest on captured rows.
        """
    )
    return bases, known_by


@app.cell
def _(day, published):
    if published.lacking(["depeg_event", "depeg_event_log"]):
        stop("## Pegs\n\nThis publication knows of no depeg.")
    # of each event the newest line of its log by then, beside the event as it is known now
    pegs = published.ask(
        """
        with known as (
            select event_id, change, worst_bps, severity
            from marts.depeg_event_log
            where known_from_day <= $1
            qualify row_number() over (partition by event_id order by known_from_day desc) = 1
        )

        select
            coalesce(event.symbol, event.stablecoin_id) as coin,
            event.start_day,
            case
                when known.change = 'close' then 'closed'
                when known.change = 'dead' then 'dead'
                when known.change is not null then 'open'
                else 'not known'
            end as state_then,
            event.event_state as state_now,
            known.worst_bps as worst_bps_then,
            event.worst_bps as worst_bps_now,
            known.severity as severity_then,
            event.severity as severity_now
        from marts.depeg_event as event
        left join known using (event_id)
        where event.start_day <= $1
        order by event.start_day desc, coin
        """,
        day.value,
    )
    if pegs.is_empty():
        stop(f"## Pegs\n\nNo depeg had begun by {day.value}.")
    other = pegs.filter(
        (pl.col("state_then") != pl.col("state_now"))
        | pl.col("worst_bps_then").ne_missing(pl.col("worst_bps_now"))
    )
    mo.vstack(
        [
            say(
                f"""
                ## Pegs

                {len(pegs)} depegs had begun. **{len(other)} of them looked otherwise** than they do now.
                """
            ),
            table(
                pegs,
                worst_bps_then="{:,.0f}",
                worst_bps_now="{:,.0f}",
            ),
        ]
    )
    return other, pegs


@app.cell
def _(day, newest, published):
    if published.lacking(["dim_universe_membership"]):
        stop("## Who survived\n\nWho was a member of the universe is not in this publication.")
    # no price at the end: the last one there was, which of a dead asset is what its holder was left with
    held = published.ask(
        """
        with last_price as (
            select asset_id, max_by(close_usd, day) as close_usd, max(day) as day
            from marts.price_daily
            where close_usd is not null
            group by asset_id
        ),

        member as (
            select
                asset_id,
                bool_or(is_member and day = $1) as was_member,
                bool_or(is_member and day = $2) as is_member
            from marts.dim_universe_membership
            where day in ($1, $2)
            group by asset_id
        )

        select
            member.asset_id,
            member.was_member,
            member.is_member,
            last_price.day as last_price_day,
            last_price.close_usd / price.close_usd - 1 as holding_ret
        from member
        inner join marts.price_daily as price
            on member.asset_id = price.asset_id and price.day = $1 and price.close_usd > 0
        inner join last_price on member.asset_id = last_price.asset_id
        where member.was_member or member.is_member
        order by member.asset_id
        """,
        day.value,
        newest,
    )
    then = held.filter("was_member")
    now = held.filter("is_member")
    if then.is_empty():
        stop(f"## Who survived\n\nNobody was a member of the universe on {day.value}.")
    if now.is_empty():
        stop(f"## Who survived\n\nNobody is a member of the universe on {newest}.")
    mean_then, mean_now = then["holding_ret"].mean(), now["holding_ret"].mean()
    say(
        f"""
        ## Who survived

        | equal weights, bought on {day.value}, held until {newest} | assets | mean | median |
        |:---|---:|---:|---:|
        | members of the universe then | {len(then)} | {mean_then:+.1%} | {then["holding_ret"].median():+.1%} |
        | members now that had a price then | {len(now)} | {mean_now:+.1%} | {now["holding_ret"].median():+.1%} |

        {then["is_member"].not_().sum()} of the members are no longer members. A backtest of
        today's list is **{mean_now - mean_then:+.1%}** away from what could be had.
        """
    )
    return held, mean_now, mean_then


@app.cell
def _(day, published):
    season = (
        None
        if published.lacking(["market_regime_daily"])
        else published.ask(
            """
            select altseason_index, altseason_index_pit
            from marts.market_regime_daily
            where day = ? and altseason_index is not null and altseason_index_pit is not null
            """,
            day.value,
        )
    )
    if season is None or season.is_empty():
        stop(f"## Altseason\n\nThe altseason index of {day.value} is not known.")
    say(
        f"""
        ## Altseason

        Of the 50 that were largest at the end of the 90 days, {season["altseason_index"].item():.0f} % beat
        bitcoin; of the 50 that were largest at their beginning,
        {season["altseason_index_pit"].item():.0f} %. The second list could be had.
        """
    )
    return


@app.cell
def _(known_by, published):
    if published.lacking(["dim_token_event"]):
        stop("## Events of tokens\n\nThis publication has none.")
    unknown = published.ask(
        """
        select
            asset_id, event_kind, effective_at, event_known_at, known_basis, note,
            event_known_at <= $1 as was_known
        from marts.dim_token_event
        where (effective_at <= $1) != (event_known_at <= $1)
        order by effective_at, asset_id
        """,
        known_by,
    )
    foreseen = unknown.filter("was_known")
    mo.vstack(
        [
            say(
                f"""
                ## Events of tokens

                {len(foreseen)} were known beforehand and had yet to happen; {len(unknown) - len(foreseen)}
                had happened, and nobody had written them down yet.
                """
            ),
            table(unknown) if len(unknown) else mo.md(""),
        ]
    )
    return


@app.cell
def _(known_by, published):
    # a value that had been known, and was taken back later
    revised = (
        None
        if published.lacking(["ops_revision"])
        else published.ask(
            """
            select
                source, table_name, source_id, day, column_name, old_value as value_then,
                new_value as value_after, revised_at, revision_cause, is_material
            from marts.ops_revision
            where superseded_known_at <= $1 and revised_at > $1
            order by is_material desc, revised_at, source, source_id, day, column_name
            """,
            known_by,
        )
    )
    if revised is None or revised.is_empty():
        stop(
            """
            ## What sources took back

            Nothing that was known by then has been restated since, as far as was observed: `ops_revision`
            begins with the first load.
            """
        )
    mo.vstack(
        [
            say(
                f"""
                ## What sources took back

                **{len(revised):,} values** that were known by then have been restated since,
                {revised["is_material"].sum():,} of them by more than is immaterial.
                """
            ),
            table(revised),
        ]
    )
    return


@app.cell
def _(day, published):
    kept = publishing.publications(get_settings())
    older = [
        manifest
        for manifest in kept
        if get_settings().published_dir / manifest.version / manifest.database
        != published.path.resolve()
    ]
    if not older:
        stop(
            """
            ## As it was published

            No other publication is kept beside this one. Each later run keeps the one before, whole and
            unchanged, and this page then compares the two. `tokenmart rebuild --as-of` builds what an
            instant knew from the lake.
            """
        )
    before = older[-1]
    path = get_settings().published_dir / before.version / before.database
    literal = str(path).replace("'", "''")
    published.connection.execute("detach database if exists earlier")
    published.connection.execute(f"attach '{literal}' as earlier (read_only)")
    changed = published.ask(
        """
        select
            asset_id, was.close_usd as close_then, price.close_usd as close_now,
            was.price_quality as quality_then, price.price_quality as quality_now
        from marts.price_daily as price
        inner join earlier.marts.price_daily as was using (asset_id, day)
        where
            day = ?
            and (
                was.close_usd is distinct from price.close_usd
                or was.price_quality is distinct from price.price_quality
            )
        order by asset_id
        """,
        day.value,
    )
    mo.vstack(
        [
            say(
                f"""
                ## As it was published

                The publication of {before.published_at:%Y-%m-%d %H:%M} UTC is kept. Of the prices of
                {day.value}, **{len(changed)} are other ones now**. `tokenmart diff` compares all marts.
                """
            ),
            table(changed) if len(changed) else mo.md(""),
        ]
    )
    return (changed,)


if __name__ == "__main__":
    app.run()
