import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="A pair of protocols")

with app.setup:
    import math

    import altair as alt
    import marimo as mo
    import polars as pl

    from notebooks.publication import choices, current, say, stop
    from pipelines.site.palette import SERIES

    MULTIPLES = {
        "P/F, diluted": "pf_fdv_x",
        "P/F, circulating": "pf_circ_x",
        "P/S, circulating": "ps_circ_x",
        "cap / TVL": "mcap_tvl_x",
    }


@app.cell
def _():
    mo.md("""
    # A pair of protocols

    Two tokens of one sector: who earns more, who is worth more, and whether the one says anything of
    the other. `peer_pair` has both sides of each pair in one row.
    """)
    return


@app.cell
def _():
    published = current("price_daily")
    if published.lacking(["peer_pair"]):
        alone = (
            []
            if published.lacking(["valuation_daily"])
            else published.ask(
                """
                select distinct asset_id from marts.valuation_daily
                where fees_30d_usd is not null order by asset_id
                """
            )["asset_id"].to_list()
        )
        stop(
            f"""
            **No pair**: a pair needs two tokens of one sector, and this publication has none. Fees are
            known of {len(alone)} tokens{": " + ", ".join(alone) if alone else ""}.
            """
        )
    # the pair in which the smaller one earns most comes first
    pairs = published.ask(
        """
        select
            asset_id || ' / ' || peer_asset_id as pair,
            coalesce(symbol, asset_id) || ' / ' || coalesce(peer_asset_symbol, peer_asset_id)
                || ' (' || sector || ')' as label
        from marts.peer_pair
        qualify row_number() over (partition by asset_id, peer_asset_id order by day desc) = 1
        order by
            least(fees_7d_usd, peer_fees_7d_usd)
                * cast(fees_7d_usd >= peer_fees_7d_usd as integer) desc nulls last,
            pair
        """
    )
    offered = choices(pairs, "label", "pair")
    pair = mo.ui.dropdown(offered, value=next(iter(offered)), label="pair", searchable=True)
    multiple = mo.ui.dropdown(MULTIPLES, value="P/F, diluted", label="multiple")
    window = mo.ui.slider(60, 365, value=180, step=5, label="days of memory", show_value=True)
    horizon = mo.ui.slider(7, 90, value=30, label="days ahead", show_value=True)
    mo.vstack([mo.hstack(two, justify="start") for two in ([pair, multiple], [window, horizon])])
    return horizon, multiple, pair, published, window


@app.cell
def _(multiple, pair, published):
    asset_id, peer_asset_id = pair.value.split(" / ")
    history = published.ask(
        f"""
        select
            day, fees_ratio_7d, mcap_ratio, fdv_ratio, tvl_ratio,
            fees_7d_usd, peer_fees_7d_usd, fdv_usd, peer_fdv_usd,
            {multiple.value} as own, peer_{multiple.value} as peer
        from marts.peer_pair
        where asset_id = ? and peer_asset_id = ?
        order by day
        """,
        asset_id,
        peer_asset_id,
    ).with_columns(
        log_relative=pl.when((pl.col("own") > 0) & (pl.col("peer") > 0)).then(
            (pl.col("own") / pl.col("peer")).log()
        )
    )
    names = pair.selected_key.split(" (")[0].split(" / ")
    newest = history.row(-1, named=True)

    def times(value):
        return "unknown" if value is None else f"{value:,.2f}x"

    say(
        f"""
        ## {pair.selected_key} on {newest["day"]}

        | {names[0]} over {names[1]} | |
        |:---|---:|
        | fees of 7 days | {times(newest["fees_ratio_7d"])} |
        | market cap | {times(newest["mcap_ratio"])} |
        | diluted value | {times(newest["fdv_ratio"])} |
        | TVL | {times(newest["tvl_ratio"])} |
        | {multiple.selected_key} | {times(newest["own"] / newest["peer"] if newest["own"] is not None and newest["peer"] else None)} |
        """
    )
    return asset_id, history, names, peer_asset_id


@app.cell
def _(history, names):
    ratios = (
        history.unpivot(
            ["fees_ratio_7d", "mcap_ratio", "fdv_ratio", "tvl_ratio"],
            index="day",
            variable_name="ratio",
        )
        # of a ratio of 0 there is no logarithm
        .filter(pl.col("value") > 0)
        .with_columns(
            pl.col("ratio").replace_strict(
                {
                    "fees_ratio_7d": "fees, 7 days",
                    "mcap_ratio": "market cap",
                    "fdv_ratio": "diluted value",
                    "tvl_ratio": "TVL",
                }
            )
        )
    )
    alt.Chart(ratios).mark_line().encode(
        x=alt.X("day:T", title=None),
        y=alt.Y("value:Q", title=f"{names[0]} / {names[1]}, log").scale(type="log", nice=False),
        color=alt.Color("ratio:N", title=None).scale(range=list(SERIES)),
        tooltip=["day:T", "ratio:N", alt.Tooltip("value:Q", format=".3~r")],
    ).properties(width=620, height=280)
    return


@app.cell
def _(history, multiple, names, window):
    # the mean and deviation of a day look back only; half a window must be known
    scored = history.with_columns(
        mean=pl.col("log_relative").rolling_mean(window.value, min_samples=window.value // 2),
        deviation=pl.col("log_relative").rolling_std(window.value, min_samples=window.value // 2),
    ).with_columns(
        z=pl.when(pl.col("deviation") > 0).then(
            (pl.col("log_relative") - pl.col("mean")) / pl.col("deviation")
        )
    )
    known_z = scored.drop_nulls("z")
    if known_z.is_empty():
        stop(
            f"""
            ## Dear or cheap

            {multiple.selected_key} of both is not known on {window.value // 2} days within
            {window.value}: there is no history to hold today against.
            """
        )
    last = known_z.row(-1, named=True)
    mo.vstack(
        [
            say(
                f"""
                ## Dear or cheap

                On {last["day"]} {names[0]} was valued at {math.exp(last["log_relative"]):.2f} times the
                {multiple.selected_key} of {names[1]}: **{last["z"]:+.1f} standard deviations** from the
                mean of the {window.value} days before. The deviation is in logarithms, so that it is the
                same whichever of the two is named first.
                """
            ),
            alt.Chart(known_z)
            .mark_line()
            .encode(
                x=alt.X("day:T", title=None),
                y=alt.Y("z:Q", title="relative multiple, standard deviations"),
                tooltip=["day:T", alt.Tooltip("z:Q", format="+.2f")],
            )
            .properties(width=620, height=180),
        ]
    )
    return (scored,)


@app.cell
def _(asset_id, horizon, names, peer_asset_id, published, scored):
    # bought at the close after the day that showed it, held for the horizon
    prices = published.ask(
        """
        select own.day, ln(own.close_usd / peer.close_usd) as log_price
        from marts.price_daily as own
        inner join marts.price_daily as peer on own.day = peer.day
        where own.asset_id = ? and peer.asset_id = ? and own.close_usd > 0 and peer.close_usd > 0
        order by own.day
        """,
        asset_id,
        peer_asset_id,
    )

    def priced(shift, name):
        return prices.select(
            pl.col("day").dt.offset_by(f"-{shift}d"), pl.col("log_price").alias(name)
        )

    outcomes = (
        scored.drop_nulls("z")
        .select("day", "z")
        .join(priced(1, "bought"), on="day")
        .join(priced(1 + horizon.value, "sold"), on="day")
        .with_columns(following=pl.col("sold") - pl.col("bought"))
        .sort("day")
    )
    # windows that overlap are not independent: every horizon-th day is
    apart = outcomes.gather_every(horizon.value)
    if apart.height < 8:
        stop(
            f"""
            ## Did it pay?

            There are {apart.height} spans of {horizon.value} days that do not overlap: too few to say
            anything.
            """
        )
    correlation = apart.select(pl.corr("z", "following", method="spearman")).item()
    t_stat = correlation * math.sqrt((apart.height - 2) / max(1 - correlation**2, 1e-12))
    mo.vstack(
        [
            say(
                f"""
                ## Did it pay?

                If dear pairs fell back, a high deviation would be followed by a low return of {names[0]}
                against {names[1]}. Over **{apart.height} spans of {horizon.value} days that do not
                overlap** the rank correlation is **{correlation:+.2f}** (t = {t_stat:+.1f}).
                {"That is no more than chance gives" if abs(t_stat) < 2 else "That is more than chance gives for a pair that was chosen beforehand"};
                whoever looks at many pairs finds some by chance.
                """
            ),
            alt.Chart(apart)
            .mark_circle(size=60)
            .encode(
                x=alt.X("z:Q", title="deviation on the day"),
                y=alt.Y("following:Q", title=f"log return of the pair, next {horizon.value} days"),
                tooltip=["day:T", "z:Q", "following:Q"],
            )
            .properties(width=420, height=260),
        ]
    )
    return apart, correlation, t_stat


if __name__ == "__main__":
    app.run()
